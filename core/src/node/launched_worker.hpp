#pragma once

#include <filesystem>

#include <cohort/cluster_file.hpp>
#include <cohort/launched.hpp>

#include "node/worker.hpp"

namespace cohort {

/// The plugin that gathers the processes of a run around the one of rank 0.
inline constexpr const char* launched_manager = "launched";

/// Null: none of the cluster's workers are launched by others.
const ManagerSpec* launched_part(const ClusterFile& cluster);

/// This process as a worker of the one of rank 0.
struct LaunchedWorker {
  Worker::Settings settings;
  IoPair master;  ///< the connection to rank 0
};

/// Waits until rank 0 has written the join file of the run, and has been reached. Blocks, at most for
/// `timeouts.launch` of the cluster. After a while it says on standard error what it waits for.
/// @throws ConfigError, Error.
LaunchedWorker meet_rank_0(const LaunchedProcess& process, const ClusterFile& cluster);

}  // namespace cohort
