#pragma once

#include <any>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <cohort/io_pair.hpp>
#include <cohort/join_file.hpp>
#include <cohort/transport.hpp>
#include <cohort/worker_config.hpp>

namespace COHORT_EXPORT cohort {

/// Accepts workers that connect to the master by themselves, for a manager that does not launch them. A connection must
/// prove by the handshake of the cluster that it knows the cookie; one that has not done so within `timeouts.handshake`
/// is closed. At most 64 such connections are accepted at once, but one that has waited for two seconds gives way to
/// the next, so that strangers cannot block workers. The worker then says where it listens, if it does, and is passed
/// to `on_arrived`. It belongs to the master of this process, and may outlive it. Any thread but that of the event loop
/// may use it.
class WorkerAcceptor {
 public:
  /// @param on_arrived called on plugin threads, one call at a time, for each worker. It is to push() the config to a
  /// LaunchQueue: that of launch(), or that of keep_open(). A worker whose config it drops is sent away. What it throws
  /// is logged. It must not destroy this object.
  /// @throws Error if this process is not the master of a cluster.
  explicit WorkerAcceptor(std::function<void(WorkerConfig)> on_arrived);
  /// Closes the listeners and the connections that have not proved themselves. `on_arrived` is not called afterwards.
  ~WorkerAcceptor();
  WorkerAcceptor(const WorkerAcceptor&) = delete;
  WorkerAcceptor& operator=(const WorkerAcceptor&) = delete;

  /// Accepts the connections that are made to this listener. @return its address.
  /// @throws Error if it cannot be watched.
  std::string accept_at(std::unique_ptr<Listener> listener);

  /// Makes one-time tokens, each for one worker: see JoinFile. @param userdata of the config of a worker that joins by
  /// one of them.
  std::vector<JoinToken> make_tokens(std::size_t count, const std::any& userdata);
  /// Nobody can join by these any more. Those that were used are left out.
  void revoke(const std::vector<JoinToken>& tokens);

  /// Accepts one connection, which came by the manager's own wire. The worker called join_cluster() at its end.
  void process_messages(IoPair incoming);

 private:
  class COHORT_HIDDEN Impl;
  const std::shared_ptr<Impl> impl_;
};

}  // namespace cohort
