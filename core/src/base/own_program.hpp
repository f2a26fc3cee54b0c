#pragma once

#include <string>

namespace cohort {

/// The file that this process's program was started from; empty where there is no /proc. What the system appends to the
/// name of one that was replaced or removed since, " (deleted)", is left out.
std::string own_program();

/// Whether `path` names that file, and it was replaced or removed since the start. Executing /proc/self/exe still
/// starts what runs.
bool is_replaced_program(const std::string& path);

}  // namespace cohort
