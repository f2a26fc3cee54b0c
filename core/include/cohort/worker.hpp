#pragma once

#include <cohort/detail/language.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include <cohort/cluster_manager.hpp>
#include <cohort/io_pair.hpp>
#include <cohort/join_file.hpp>
#include <cohort/transport.hpp>
#include <cohort/types.hpp>

// A worker that any launcher started, and that is reached by any wire. A worker whose main() begins with a Session
// needs none of this: the Session does it all. See docs/plugins.md, "A wire of your own".

namespace COHORT_EXPORT cohort {

/// What a worker has to know before it can join.
struct WorkerOptions {
  /// The secret of the cluster, which the launcher got as LaunchParams::cookie. Pass it by a pipe or a file that only
  /// its owner can read, never in arguments or in the environment.
  std::string cookie = {};
  /// Instead of the cookie: a one-time token, and the transport_key of the JoinFile in which it was.
  std::optional<JoinToken> token = {};
  std::array<std::byte, 32> transport_key = {};
  /// Its connect() connects this worker to other workers: `config` has their connect_at, and nothing else. Null: the
  /// transport connects.
  std::shared_ptr<ClusterManager> manager = {};
  /// What the worker listens with, at `bind_to`. Null: it does not listen, and gets its connections by
  /// process_messages().
  std::unique_ptr<Transport> transport = {};
  std::string bind_to = {};  ///< as for Transport::listen()
  /// The worker ends if no master has had it join within this time.
  Duration master_timeout = std::chrono::seconds(60);
};

/// Makes this process a worker, and returns at once; serve() then waits. It changes the process as a Session does.
/// While it is a member of a cluster, what it prints comes to the master, which prints it, unless its manager reads its
/// output (WorkerConfig::io).
/// @throws Error if the process has a Session or is a worker already, ConfigError for a cookie that cannot be one, and
/// what listening throws.
void init_worker(WorkerOptions options);

/// Takes over one connection that somebody made to this process by a wire of the program's own: the master or another
/// worker to this worker; or, on the master, a worker that called join_cluster(). The peer must prove that it knows the
/// cookie. Any thread.
/// @throws Error if this process is no member of a cluster; on the master, unless exactly one WorkerAcceptor exists.
void process_messages(IoPair incoming);

/// Joins the cluster by a connection that this worker made to the master, where it is taken by process_messages().
/// Any thread. @throws Error if this process is not a worker, or for a second call.
void join_cluster(IoPair master);

/// The address at which this worker listens; "" if it has no transport. @throws Error if this process is not a worker.
std::string worker_address();

/// Runs what the worker is asked to run, until the master lets it go; then it is a worker no longer. If functions still
/// run then, the process ends. If the master is lost, the process ends with exit code 1.
/// @return the exit code for main(): 0, or 1 if no master came in time. @throws Error if this process is not a worker.
int serve();

}  // namespace cohort
