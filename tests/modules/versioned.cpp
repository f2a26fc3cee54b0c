// Built twice: two builds of one module.

#include <cohort/cohort.hpp>

#include "loading_order.hpp"

namespace {
const bool noted = note_loading("versioned" + std::to_string(MODULE_VERSION));
}  // namespace

COHORT_FUNCTION(module_version, [] { return MODULE_VERSION; })
