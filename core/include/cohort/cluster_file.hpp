#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/logging.hpp>
#include <cohort/timeouts.hpp>
#include <cohort/types.hpp>

namespace COHORT_EXPORT cohort {

/// One entry of `managers`: a cluster manager plugin and how to use it.
struct ManagerSpec {
  std::string plugin;                         ///< name, or path with a '/'
  std::string id;                             ///< its name in messages; by default the plugin's name
  std::optional<int> count;                   ///< workers; not set: the plugin's own choice, or "auto"
  bool count_auto = false;                    ///< as many workers as the host has CPUs
  std::optional<std::string> min{};           ///< how many workers are enough, as AddprocsOptions::min
  std::string ident{};                        ///< names of its workers in a custom topology: "node[01-16]"
  std::vector<std::string> connect_idents{};  ///< names of the workers they connect to, "node[01-04]" or "node*"
  std::string options_json = "{}";            ///< checked, with defaults; in the form of Options::parse()
};

struct TransportSpec {
  std::string plugin = "tcp";
  std::string options_json = "{}";
};

/// A cluster described in a file. See docs/cluster-file.md.
struct ClusterFile {
  std::string name;
  std::vector<ManagerSpec> managers;
  std::string topology = "all_to_all";
  std::optional<bool> lazy;  ///< not set: the topology's own default
  Unconnected unconnected = Unconnected::error;
  std::vector<std::string> modules;  ///< shared objects for load_module(), in this order
  TransportSpec transport;
  Timeouts timeouts;
  Logging logging;

  /// Reads and checks a file. Loads the plugins that it names, for their option tables. Relative paths of modules are
  /// relative to the file's directory.
  /// @throws ConfigError with one line for each error: "cluster.json:3:3: unknown key 'mangers'; did you mean ...".
  static ClusterFile load(const std::string& path);
  /// Checks a text in the same way. @param name_for_errors the name of the text in errors.
  static ClusterFile parse(std::string_view text, const std::string& name_for_errors);
  /// The effective configuration with all defaults, in the form of parse().
  std::string to_json() const;
  /// A draft-07 JSON Schema for editors and checks, with the options of every plugin that is found.
  static std::string schema();
};

}  // namespace cohort
