#pragma once

#include <string>
#include <vector>

namespace cohort::cli {

/// Runs a program in place of this one. Only returns when it cannot be started, with a message.
/// @return the exit status that shells give for that.
int become(const std::vector<std::string>& command);

}  // namespace cohort::cli
