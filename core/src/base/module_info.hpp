#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace cohort {

/// The GNU build-id among the notes of an ELF file, a PT_NOTE segment's bytes; empty if there is none.
std::span<const std::byte> find_build_id(std::span<const std::byte> notes);

/// In hexadecimal, as `file` and `readelf` show it.
std::string build_id_text(std::span<const std::byte> build_id);

/// Whose code or data an address is, for people: "transport 'tcp'" or "manager 'local'" for those of a plugin, else the
/// file name of the module, which may be the program itself. Any thread.
std::string module_name(const void* address);

/// The file of the module that an address is in, as the dynamic linker has it; "": the program itself, or none. Any
/// thread.
std::string module_file(const void* address);

}  // namespace cohort
