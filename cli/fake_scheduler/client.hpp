#pragma once

#include <string>
#include <vector>

namespace cohort::fake_scheduler {

/// A command of the scheduler, as "squeue": sends what was typed to the scheduler that has this directory, and prints
/// what it answers. @return the status with which it is to end.
int run_client(const std::string& directory, const std::vector<std::string>& words);

}  // namespace cohort::fake_scheduler
