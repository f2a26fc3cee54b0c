#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <cohort/cluster_file.hpp>

namespace cohort::cli {

/// Something in a cluster that fits its tables, and yet cannot be.
struct Objection {
  std::string key;        ///< of the cluster file: managers, transport, modules, topology
  std::size_t index = 0;  ///< which of the managers or modules
  std::string message;

  /// "managers[0]", "topology"
  std::string path() const;
};

/// What the plugins themselves refuse in their options, files that are here and are no modules, and more workers than
/// the topology has places. Makes each manager and the transport, and drops them again. @throws PluginError: one cannot
/// be made for another reason.
std::vector<Objection> objections(const ClusterFile& cluster);

/// The cluster as it takes effect, as JSON: with `lazy` where that has one.
std::string effective_json(ClusterFile cluster);

/// The workers that the manager is told to start; nullopt: it is left to the plugin, or "auto".
std::optional<std::size_t> said_count(const ManagerSpec& manager);

}  // namespace cohort::cli
