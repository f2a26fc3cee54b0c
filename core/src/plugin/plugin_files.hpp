#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <cohort/plugin.hpp>

namespace cohort::detail {

struct PluginFile {
  PluginKind kind;
  std::string name;
  std::filesystem::path path;
};

/// "libcohort_manager_local.so"
std::string plugin_file_name(PluginKind kind, const std::string& name);

/// Returns kind and name from the file's name, or nullopt if it is not the name of a plugin's file.
std::optional<PluginFile> plugin_of_file(const std::filesystem::path& path);

/// The directories to search: COHORT_PLUGIN_PATH, $XDG_DATA_HOME/cohort/plugins, cohort/plugins beside libcohort.so.
/// @throws PluginError if one of COHORT_PLUGIN_PATH is relative.
std::vector<std::filesystem::path> plugin_search_path();

/// The files that the search finds, the first of each kind and name. Sorted by kind and name.
std::vector<PluginFile> find_plugin_files();

/// @throws PluginError with the directories and the names that are there.
std::filesystem::path find_plugin_file(PluginKind kind, const std::string& name);

}  // namespace cohort::detail
