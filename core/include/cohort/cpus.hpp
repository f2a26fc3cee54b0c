#pragma once

namespace cohort {

/// How many CPUs this process may use: those it is bound to, and no more than the quota of its control groups allows,
/// rounded up; at least 1. So many workers are `auto`. Any thread.
int usable_cpus();

}  // namespace cohort
