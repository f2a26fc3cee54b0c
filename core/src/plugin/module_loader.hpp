#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
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

/// Loads a module into this process, unless it is there already: from its path if that build lies there, else from the
/// bytes that `fetch` brings. Runs its static initialisers; never unloaded. Not on the loop.
/// @throws PluginError with the path and what the dynamic linker says, and what `fetch` throws.
void load_into_process(const Module& module, const std::function<Array<std::byte>()>& fetch);

}  // namespace cohort::detail
