#pragma once

#include <cohort/detail/language.hpp>

namespace COHORT_EXPORT cohort {

/// "0.1.0"
const char* version();

}  // namespace cohort
