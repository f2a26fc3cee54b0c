#include <cohort/cohort.hpp>

int sibling();

COHORT_FUNCTION(ask_sibling, [] { return sibling(); })
