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

/// Returns the option table of a plugin, by name or path. @throws PluginError if there is none. This component may not
/// use the component `plugin`, so the caller supplies the function.
using OptionTableLookup = std::function<std::span<const Option>(PluginKind kind, const std::string& plugin)>;

struct KnownPlugin {
  PluginKind kind;
  std::string name;
  std::span<const Option> options;
};

/// Checks the text of a cluster file. @throws ConfigError with everything that is wrong.
ClusterFile parse_cluster_text(std::string_view text, const std::string& name_for_errors,
                               const OptionTableLookup& tables, ErrorList::Places places = ErrorList::Places::printed);

/// Checks that a program does not use values that a cluster file cannot contain. @throws ConfigError.
void check_timeouts(const Timeouts& timeouts);

/// Returns the schema of a cluster file that may use these plugins by name.
std::string cluster_schema(std::span<const KnownPlugin> plugins);

/// Returns the name of a cluster file for messages: on one line, and never shortened, so that editors can jump to it.
std::string file_name(const std::filesystem::path& path);

/// Makes relative paths of modules relative to the directory of the cluster file at `path`.
void find_modules_beside(const std::filesystem::path& path, ClusterFile& file);

/// Returns why `lazy` has no effect in the file's topology; "" if it is not given, or has an effect.
std::string why_lazy_has_no_effect(const ClusterFile& file);

/// The bytes of a file of at most max_json_bytes. @throws ConfigError with the path and the cause.
std::string read_config_file(const std::filesystem::path& path);

}  // namespace cohort::detail
