#include "cluster_check.hpp"

#include <filesystem>
#include <system_error>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <cohort/cluster_manager.hpp>
#include <cohort/error.hpp>
#include <cohort/transport.hpp>

#include "config/min_workers.hpp"
#include "membership/topology.hpp"
#include "plugin/module_file.hpp"
#include "text.hpp"

namespace cohort::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string options_with_count(const ManagerSpec& manager) {
  Json options = Json::parse(manager.options_json);
  if (manager.count) options["count"] = *manager.count;
  if (manager.count_auto) options["count"] = "auto";
  return options.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Of those that are told; how many an "auto" makes is known where they start.
std::int64_t min_workers(const ClusterFile& cluster) {
  std::int64_t workers = 0;
  for (const auto& manager : cluster.managers) {
    const int count = static_cast<int>(said_count(manager).value_or(0));
    workers += manager.min ? MinWorkers(*manager.min).of(count) : count;
  }
  return workers;
}

}  // namespace

std::string Objection::path() const {
  return key == "managers" || key == "modules" ? fmt::format("{}[{}]", key, index) : key;
}

std::optional<std::size_t> said_count(const ManagerSpec& manager) {
  if (manager.count) return static_cast<std::size_t>(*manager.count);
  const auto own = Json::parse(manager.options_json).value("count", Json());
  return own.is_number_unsigned() ? std::optional(own.get<std::size_t>()) : std::nullopt;
}

std::vector<Objection> objections(const ClusterFile& cluster) {
  std::vector<Objection> found;
  for (std::size_t i = 0; i < cluster.managers.size(); i++) {
    const ManagerSpec& manager = cluster.managers[i];
    try {
      load_manager(manager.plugin, options_with_count(manager));
    } catch (const ConfigError& error) {
      found.push_back({"managers", i, error.what()});
    }
  }
  try {
    load_transport(cluster.transport.plugin, cluster.transport.options_json);
  } catch (const ConfigError& error) {
    found.push_back({"transport", 0, error.what()});
  }
  for (std::size_t i = 0; i < cluster.modules.size(); i++) {
    std::error_code error;
    if (!std::filesystem::exists(cluster.modules[i], error)) continue;  // it may be where the cluster starts
    try {
      detail::identify_module(cluster.modules[i]);
    } catch (const PluginError& problem) {
      found.push_back({"modules", i, problem.what()});
    }
  }
  const std::int64_t workers = min_workers(cluster), room = Topology::parse(cluster.topology).capacity();
  if (workers > room) {
    found.push_back({"topology", 0,
                     fmt::format("{} has room for {}, not for {}", cluster.topology, plural(room, "worker"), workers)});
  }
  return found;
}

std::string effective_json(ClusterFile cluster) {
  // Not in ClusterFile::to_json(): workers that join others later take what those have, unless it is said.
  const bool has_effect = Topology::parse(cluster.topology).kind() == Topology::Kind::all_to_all;
  if (has_effect) cluster.lazy = cluster.lazy.value_or(true);
  return cluster.to_json();
}

}  // namespace cohort::cli
