#pragma once

#include <cstddef>
#include <span>

#include "plugin/module_file.hpp"

namespace cohort::detail {

// Both load a module into this process, unless that build is there already, and run its static initialisers. Modules
// are never unloaded. Not on the loop. @throws PluginError with the path and what the dynamic linker says.

/// @return whether that build is loaded now; false: at the path there is no module, another build, or one that others
/// could have put there.
bool load_from_path(const Module& module);
/// @param file the result of read_module(), possibly from another process.
void load_from_bytes(const Module& module, std::span<const std::byte> file);

}  // namespace cohort::detail
