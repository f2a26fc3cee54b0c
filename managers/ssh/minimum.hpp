#pragma once

#include <string>

namespace cohort_ssh {

/// How many of `wanted` workers are enough: "all", "6" or "50%". @throws ConfigError.
int least_workers(const std::string& minimum, int wanted);

}  // namespace cohort_ssh
