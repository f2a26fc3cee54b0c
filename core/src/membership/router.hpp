#pragma once

#include <memory>
#include <string>
#include <vector>

#include <cohort/error.hpp>
#include <cohort/types.hpp>

#include "membership/connection.hpp"

namespace cohort {

class BlockingPool;
class LocalCalls;
class ParallelState;

/// How remote calls reach other processes. Implemented by the node. Any thread may call the functions unless a comment
/// says otherwise.
class Router {
 public:
  virtual ~Router() = default;
  virtual Pid self() const = 0;
  virtual Reactor& reactor() = 0;
  /// The connection to a process; the first message to another worker makes one, and waits for it.
  /// @throws ProcessExitedException it is gone; Error it never was, cannot be reached, or the topology forbids it.
  virtual std::shared_ptr<Connection> connection_to(Pid pid) = 0;
  /// The connection if there is one, else null. Never waits.
  virtual std::shared_ptr<Connection> existing_connection(Pid pid) = 0;
  /// Whether a connection may be made, or exists.
  virtual bool may_connect(Pid pid) = 0;
  virtual bool is_gone(Pid pid) = 0;
  /// Whether it is drained: it will leave, and what it has is to move. Any thread.
  virtual bool is_draining(Pid) { return false; }
  /// All processes that can be called now, in ascending order, including this one.
  virtual std::vector<Pid> processes() = 0;
  /// Whether workers will come that nobody has to start: who has none can wait for them. Any thread.
  virtual bool expects_workers() { return false; }
  /// Threads for blocking work, in addition to those of the reactor.
  virtual BlockingPool& blocking() = 0;
  /// The functions that run for this process itself.
  virtual LocalCalls& local_calls() = 0;
  /// The state of the component `parallel` for this node.
  virtual ParallelState& parallel() = 0;
};

/// @throws Error if this process has not joined its cluster yet: it knows no other processes.
inline void refuse_without_cluster(const Router& router) {
  if (router.self() == no_pid) throw Error("this worker has not joined a cluster yet: it knows no other processes");
}

}  // namespace cohort
