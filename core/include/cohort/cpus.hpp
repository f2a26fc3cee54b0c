#pragma once

#include <cohort/detail/export.hpp>

namespace COHORT_EXPORT cohort {

/// Returns how many CPUs this process may use: those in its affinity mask, but at most the quota of its control groups,
/// rounded up; at least 1. `auto` means this number of workers. May be called from any thread.
int usable_cpus();

}  // namespace cohort
