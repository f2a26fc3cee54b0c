#pragma once

#include <string>

namespace cohort {

/// This machine, told from all others: its name and the id of its boot. Containers have names of their own.
std::string host_id();

}  // namespace cohort
