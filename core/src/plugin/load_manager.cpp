#include <cohort/cluster_manager.hpp>

#include "plugin/loader.hpp"

namespace cohort {

std::unique_ptr<ClusterManager> load_manager(const std::string& plugin, std::string_view options) {
  const auto& loaded = detail::PluginLoader::instance().load(PluginKind::manager, plugin);
  return loaded.create_manager(loaded.parse_options(options));
}

}  // namespace cohort
