#pragma once

#include <chrono>

#include <cohort/types.hpp>

namespace COHORT_EXPORT cohort {

/// How long the steps in the life of a cluster may take. Each may be `never`. Functions with Timeouts throw ConfigError
/// if one is negative, or if one but the last three is 0.
struct Timeouts {
  /// For a manager's launch(), until its workers have announced where they listen. What takes longer fails with an
  /// error.
  Duration launch = std::chrono::minutes(5);
  Duration connect = std::chrono::seconds(30);    ///< for connecting to a worker that has announced where it listens
  Duration handshake = std::chrono::seconds(10);  ///< from the open connection to the authenticated peer
  Duration heartbeat = std::chrono::seconds(5);   ///< interval of the pings to each peer; at most a quarter of `dead`
  Duration suspect = std::chrono::seconds(15);    ///< silence after which a peer is logged as suspect
  /// Silence after which a peer is considered dead. Time in which this process itself did not run does not count, nor,
  /// for a worker on the master's host, time in which the master was stopped (Ctrl-Z, a debugger).
  Duration dead = std::chrono::seconds(60);
  Duration shutdown = std::chrono::seconds(5);  ///< from the request that a worker exit to SIGTERM
  Duration term = std::chrono::seconds(5);      ///< from SIGTERM to SIGKILL
  Duration kill = std::chrono::seconds(5);      ///< from SIGKILL to the end of waiting for the worker
};

}  // namespace cohort
