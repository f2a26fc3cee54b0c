#pragma once

#include <string>

namespace cohort {

/// Whose code or data an address is, for people: "transport 'tcp'" or "manager 'local'" for those of a plugin, else the
/// file name of the module, which may be the program itself. Any thread.
std::string module_name(const void* address);

/// The file of the module that an address is in, as the dynamic linker has it; "": the program itself, or none. Any
/// thread.
std::string module_file(const void* address);

}  // namespace cohort
