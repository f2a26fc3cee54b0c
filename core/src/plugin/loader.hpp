#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/detail/mutex.hpp>
#include <cohort/plugin.hpp>

namespace cohort::detail {

/// "manager" or "transport", as in file names.
std::string_view kind_name(PluginKind kind);

/// A plugin that passed every check. It lives as long as the process; any thread may use it.
struct Plugin {
  std::filesystem::path path;
  const PluginDescriptor* descriptor;

  std::span<const Option> options() const { return {descriptor->options, descriptor->option_count}; }
  /// @throws ConfigError for options that its table does not allow.
  Options parse_options(std::string_view json) const;
  /// @throws PluginError with the plugin's name and the text of the factory's exception; a ConfigError is thrown
  /// unchanged.
  std::unique_ptr<ClusterManager> create_manager(const Options& options) const;
  std::unique_ptr<Transport> create_transport(const Options& options) const;
};

struct PluginInfo {
  PluginKind kind;
  std::string name;
  std::string version;
  std::filesystem::path path;
  std::string error;  ///< why it was refused; then there is no version
};

/// Finds plugins, checks them field by field, and keeps them loaded until the process ends: their exceptions and
/// objects may outlive any reference count.
class PluginLoader {
 public:
  static PluginLoader& instance();

  /// @param name_or_path a path if it contains a '/'.
  /// @throws PluginError that says where it searched, or why the file was refused. If a file is broken, later
  /// directories are not searched for another one of the same name.
  const Plugin& load(PluginKind kind, const std::string& name_or_path);

  /// Loads and returns every plugin that load() would find by name. Sorted by kind and name.
  std::vector<PluginInfo> list();

  /// The directories in which names are looked up, first to last: COHORT_PLUGIN_PATH, the user's, the library's.
  static std::vector<std::filesystem::path> search_path();

 private:
  struct Library;

  PluginLoader();
  ~PluginLoader() = delete;
  const Plugin& load_file(PluginKind kind, const std::filesystem::path& path);

  detail::Mutex mutex_;  // and makes loads one at a time
  std::map<std::filesystem::path, Plugin> plugins_ COHORT_GUARDED_BY(mutex_);
  // Refused libraries stay loaded, too: there may be pointers to the code of their static objects.
  std::map<std::filesystem::path, std::unique_ptr<Library>> libraries_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort::detail
