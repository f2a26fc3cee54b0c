#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include <cohort/array.hpp>

namespace cohort::detail {

/// A shared object with functions for all processes.
struct Module {
  std::string path;      ///< absolute, on the master's host
  std::string build_id;  ///< in hexadecimal
};

/// Looks at a module's file without running any of its code. @throws PluginError with the path.
Module identify_module(const std::filesystem::path& path);
Array<std::byte> read_module(const Module& module);

// Both load a module into this process, unless that build is there already, and run its static initialisers. Modules
// are never unloaded. Not on the loop. @throws PluginError with the path and what the dynamic linker says.

/// @return whether that build is there now; false: at the path is none, another one, or one that others could have put
/// there.
bool load_from_path(const Module& module);
/// @param file what read_module() gave, possibly in another process.
void load_from_bytes(const Module& module, std::span<const std::byte> file);

}  // namespace cohort::detail
