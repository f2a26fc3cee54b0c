#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <cohort/cluster_file.hpp>

namespace cohort::cli {

/// Something in a cluster that fits its tables, and yet cannot be.
struct Objection {
  std::string key;        ///< of the cluster file: managers, transport, topology
  std::size_t index = 0;  ///< which of the managers
  std::string message;

  /// "managers[0]", "topology"
  std::string path() const;
};

/// What the plugins themselves refuse in their options, and more workers than the topology has places. Makes each
/// manager and the transport, and drops them again. @throws PluginError: one cannot be made for another reason.
std::vector<Objection> objections(const ClusterFile& cluster);

/// The workers that the manager is told to start; nullopt: it is left to the plugin, or "auto".
std::optional<std::size_t> said_count(const ManagerSpec& manager);

}  // namespace cohort::cli
