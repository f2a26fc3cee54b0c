#pragma once

#include <string>
#include <vector>

namespace cohort::batch {

/// Whether programs of this name are found in PATH.
bool is_in_path(const std::string& program);

/// The words as a person would type them.
std::string shown(const std::vector<std::string>& words);

}  // namespace cohort::batch
