#include <cohort/transport.hpp>

#include "base/secret.hpp"
#include "plugin/loader.hpp"

namespace cohort {

std::unique_ptr<Transport> load_transport(const std::string& plugin, std::string_view options) {
  const auto& loaded = detail::PluginLoader::instance().load(PluginKind::transport, plugin);
  return loaded.create_transport(loaded.parse_options(options));
}

std::array<std::byte, 32> transport_secret(std::string_view cookie) {
  return derive_key(cookie, "cohort transport encryption 1");
}

}  // namespace cohort
