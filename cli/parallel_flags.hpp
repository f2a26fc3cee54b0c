#pragma once

#include <string>

namespace cohort::cli {

/// What to write here for a flag that GNU parallel has and `cohort map` has not: "the workers' machines are those of
/// -m ssh -o machines=...". Empty: GNU parallel has none of that name, or it is one here, too.
/// @param flag as it was typed: "--resume", "--colsep=,", "-N2".
std::string advice_for_parallel_flag(const std::string& flag);

}  // namespace cohort::cli
