#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include <cohort/cluster_file.hpp>
#include <cohort/plugin.hpp>

#include "config/error_list.hpp"

namespace cohort::detail {

/// The option table of a plugin by name or path. @throws PluginError where there is none. Plugins are to the right of
/// this room, so whoever calls supplies them.
using OptionTableLookup = std::function<std::span<const Option>(PluginKind kind, const std::string& plugin)>;

struct KnownPlugin {
  PluginKind kind;
  std::string name;
  std::span<const Option> options;
};

/// Checks the text of a cluster file. @throws ConfigError with everything that is wrong.
ClusterFile parse_cluster_text(std::string_view text, const std::string& name_for_errors,
                               const OptionTableLookup& tables, ErrorList::Places places = ErrorList::Places::printed);

/// The schema of a cluster file that may use these plugins by name.
std::string cluster_schema(std::span<const KnownPlugin> plugins);

/// Of a cluster file, as messages have it: on one line, and never cut, for editors that jump to it.
std::string file_name(const std::filesystem::path& path);

/// Takes relative paths of modules from the directory of the cluster file at `path`.
void find_modules_beside(const std::filesystem::path& path, ClusterFile& file);

/// Why `lazy` changes nothing in the file's topology; "" where it is not said, or has an effect.
std::string why_lazy_has_no_effect(const ClusterFile& file);

/// The bytes of a file of at most max_json_bytes. @throws ConfigError with the path and the cause.
std::string read_config_file(const std::filesystem::path& path);

}  // namespace cohort::detail
