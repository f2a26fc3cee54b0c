#include <cohort/version.hpp>

namespace cohort {

const char* version() { return COHORT_VERSION; }

}  // namespace cohort
