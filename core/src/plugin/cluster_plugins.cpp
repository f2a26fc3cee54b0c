// The public functions of ClusterFile, here rather than in config/ because they load the plugins that a file names.

#include <cohort/cluster_file.hpp>
#include <cohort/error.hpp>

#include "config/cluster_text.hpp"
#include "plugin/loader.hpp"

namespace cohort {

ClusterFile ClusterFile::parse(std::string_view text, const std::string& name_for_errors) {
  return detail::parse_cluster_text(text, name_for_errors, [](PluginKind kind, const std::string& plugin) {
    return detail::PluginLoader::instance().load(kind, plugin).options();
  });
}

ClusterFile ClusterFile::load(const std::string& path) {
  ClusterFile file = parse(detail::read_config_file(path), detail::file_name(path));
  detail::find_modules_beside(path, file);
  return file;
}

std::string ClusterFile::schema() {
  auto& loader = detail::PluginLoader::instance();
  std::vector<detail::KnownPlugin> plugins;
  for (const detail::PluginInfo& info : loader.list())
    if (info.error.empty()) plugins.push_back({info.kind, info.name, loader.load(info.kind, info.name).options()});
  return detail::cluster_schema(plugins);
}

}  // namespace cohort
