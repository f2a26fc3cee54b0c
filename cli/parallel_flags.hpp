#pragma once

#include <string>

namespace cohort::cli {

/// What to write here for a flag that GNU parallel has and `cohort map` has not:
/// "-m ssh -o machines=node1,node2". Empty: GNU parallel has none of that name, or it is one here, too.
/// @param flag as it was typed: "--resume", "--colsep=,", "-N2".
std::string advice_for_parallel_flag(const std::string& flag);

}  // namespace cohort::cli
