#pragma once

#include <memory>
#include <string>

#include <cohort/detail/mutex.hpp>
#include <cohort/io_pair.hpp>
#include <cohort/types.hpp>

#include "remote_worker.hpp"
#include "session_thread.hpp"

namespace cohort_ssh {

/// A connection to a port that the server of `session` can reach: this process's end of it.
/// @throws Error with the server's reason.
cohort::FileDescriptor open_tunnel(SessionThread& session, const std::string& host, int port,
                                   cohort::Clock::time_point deadline);

/// A machine that a worker was started on: its session and that worker. Any thread, one call at a time.
class RemoteHost {
 public:
  /// @param jump the session that this one goes through, or nullptr.
  RemoteHost(std::unique_ptr<SessionThread> session, std::shared_ptr<SessionThread> jump)
      : jump_(std::move(jump)), session_(std::move(session)) {}

  SessionThread& session() { return *session_; }
  /// Starts it. Once.
  RemoteWorker& start(const RemoteProgram& program, const std::string& cookie);
  RemoteWorker* worker() { return worker_.get(); }

  /// Sends the worker, and what it started, a signal: "INT". No effect once it ended. @return false: the machine does
  /// not answer.
  bool signal(const std::string& name);
  /// The same for another process there that leads a group: a worker that the first one started.
  bool signal(int pid, const std::string& name);
  /// SIGTERM, and SIGKILL when it did not end within `term`; then waits for the end up to `kill`.
  void terminate(cohort::Duration term, cohort::Duration kill);

 private:
  const std::shared_ptr<SessionThread> jump_;  // goes after the session
  const std::unique_ptr<SessionThread> session_;
  std::shared_ptr<RemoteWorker> worker_;

  cohort::detail::Mutex mutex_;
  std::shared_ptr<ExecChannel> unanswered_ COHORT_GUARDED_BY(mutex_);  // a signal that the machine was too slow for
};

}  // namespace cohort_ssh
