#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace cohort {

/// Returns the GNU build-id from the notes of an ELF file (the bytes of a PT_NOTE segment); empty if there is none.
std::span<const std::byte> find_build_id(std::span<const std::byte> notes);

/// In hexadecimal, as `file` and `readelf` show it.
std::string build_id_text(std::span<const std::byte> build_id);

/// Returns the readable name of the module that contains an address: "transport 'tcp'" or "manager 'local'" for a
/// plugin, else the file name of the module, which may be the program itself. May be called from any thread.
std::string module_name(const void* address);

/// Returns the file of the module that contains an address, as the dynamic linker names it; "": the program itself, or
/// none. May be called from any thread.
std::string module_file(const void* address);

}  // namespace cohort
