#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include <cohort/array.hpp>

namespace cohort::detail {

/// A shared object with functions for all processes.
struct Module {
  std::string path;      ///< absolute, on the master's host
  std::string build_id;  ///< in hexadecimal
};

/// Reads a module's file without running any of its code. @throws PluginError with the path.
Module identify_module(const std::filesystem::path& path);
Array<std::byte> read_module(const Module& module);

/// Throws PluginError that says which module cannot be loaded, and why.
[[noreturn]] void fail_to_load(const std::filesystem::path& path, const std::string& problem);

}  // namespace cohort::detail
