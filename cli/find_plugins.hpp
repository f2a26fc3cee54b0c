#pragma once

#include <string>
#include <vector>

#include "plugin/loader.hpp"

namespace cohort::cli {

/// A manager and a transport may have one name: all that are meant, loaded.
/// @param name_or_path a path where it contains a '/'. @throws PluginError: there is none, or it is refused.
std::vector<const detail::Plugin*> find_plugins(const std::string& name_or_path);

/// A program that comes with a plugin and lies beside it. @return its path. @throws PluginError: there is none.
std::string find_program_beside(PluginKind kind, const std::string& plugin, const std::string& program);

}  // namespace cohort::cli
