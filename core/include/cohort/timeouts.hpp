#pragma once

#include <chrono>

#include <cohort/types.hpp>

namespace cohort {

/// How long the steps of a cluster's life may take. `never` is allowed for each. What takes them refuses negative ones,
/// and 0 for all but the last three, by a ConfigError.
struct Timeouts {
  /// A manager's launch(), and its workers to say where they listen. What is not done then has failed, and is told.
  Duration launch = std::chrono::minutes(5);
  Duration connect = std::chrono::seconds(30);    ///< dialling a worker that said where it listens
  Duration handshake = std::chrono::seconds(10);  ///< from the open connection to the authenticated peer
  Duration heartbeat = std::chrono::seconds(5);   ///< silence after which a peer is asked whether it lives
  Duration suspect = std::chrono::seconds(15);    ///< silence after which a peer is reported as suspect
  /// Silence after which a peer is given up. Time in which this process itself did not run does not count, nor, for a
  /// worker on the master's host, time in which the master was stopped (Ctrl-Z, a debugger).
  Duration dead = std::chrono::seconds(60);
  Duration shutdown = std::chrono::seconds(5);  ///< from asking a worker to exit to SIGTERM
  Duration term = std::chrono::seconds(5);      ///< from SIGTERM to SIGKILL
  Duration kill = std::chrono::seconds(5);      ///< from SIGKILL to giving the worker up
};

}  // namespace cohort
