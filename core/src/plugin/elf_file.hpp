#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace cohort::detail {

/// The bytes of a symbol as they stand in a shared library's file, read without running any of its code.
/// Pointers among them are not relocated yet, so only numbers mean something. Boost.DLL's own reader sees no symbols
/// in a stripped library and trusts the sizes in the file, hence this one.
/// @return at most `size` bytes, fewer where the object is smaller; zeros where the object is only made at load time.
/// @throws PluginError (without the path): not a file, no ELF shared library of this machine, damaged, or no such
/// symbol.
std::vector<std::byte> read_elf_symbol(const std::filesystem::path& path, const std::string& symbol, std::size_t size);

/// The GNU build-id of a shared library's file, in hexadecimal; "" if it was linked without one.
/// @throws PluginError as above.
std::string read_elf_build_id(const std::filesystem::path& path);

/// The same where the file holds only the first bytes of a library or program, which nobody is going to load.
/// @throws PluginError as above, also if the build-id is not among these bytes.
std::string read_elf_build_id_of_head(const std::filesystem::path& path);

}  // namespace cohort::detail
