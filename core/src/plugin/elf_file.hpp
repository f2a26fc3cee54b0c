#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace cohort::detail {

/// Reads the bytes of a symbol from a shared library's file, without running any of its code. Pointers among them are
/// not relocated, so only numbers are meaningful. Boost.DLL's reader is not used, because it finds no symbols in a
/// stripped library and trusts the sizes in the file.
/// @return at most `size` bytes, fewer if the object is smaller; zeros if the object is created only at load time.
/// @throws PluginError (without the path) if it is not a file, not an ELF shared library of this machine, damaged, or
/// has no such symbol.
std::vector<std::byte> read_elf_symbol(const std::filesystem::path& path, const std::string& symbol, std::size_t size);

/// The GNU build-id of a shared library's file, in hexadecimal; "" if it was linked without one.
/// @throws PluginError as above.
std::string read_elf_build_id(const std::filesystem::path& path);

/// Returns the build-id if only the first bytes of a library or program are available, which nobody will load.
/// @throws PluginError as above, also if the build-id is not among these bytes.
std::string read_elf_build_id_of_head(const std::filesystem::path& path);

}  // namespace cohort::detail
