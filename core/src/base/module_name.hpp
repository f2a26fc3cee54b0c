#pragma once

#include <string>

namespace cohort {

/// Whose code or data an address is, for people: "transport 'tcp'" or "manager 'local'" for those of a plugin, else the
/// file name of the module, which may be the program itself. Any thread.
std::string module_name(const void* address);

}  // namespace cohort
