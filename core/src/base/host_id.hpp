#pragma once

#include <string>

namespace cohort {

/// This machine, told from all others: its name and the id of its boot. Containers have names of their own.
std::string host_id();

/// Where the process ids of this process mean the same: its machine and its PID namespace.
std::string process_space();

}  // namespace cohort
