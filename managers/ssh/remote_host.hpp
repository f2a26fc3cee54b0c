#pragma once

#include <memory>
#include <string>

#include <cohort/detail/mutex.hpp>
#include <cohort/io_pair.hpp>
#include <cohort/types.hpp>

#include "remote_worker.hpp"
#include "session_thread.hpp"

namespace cohort_ssh {

/// Makes a connection to a port that the server of `session` can reach, and returns this process's end.
/// @throws Error with the server's reason.
cohort::FileDescriptor open_tunnel(SessionThread& session, const std::string& host, int port,
                                   cohort::Clock::time_point deadline);

/// A machine with a worker that was started: its session and that worker. Any thread, one call at a time.
class RemoteHost {
 public:
  /// @param jump the session that this one goes through, or nullptr.
  RemoteHost(std::unique_ptr<SessionThread> session, std::shared_ptr<SessionThread> jump)
      : jump_(std::move(jump)), session_(std::move(session)) {}

  SessionThread& session() { return *session_; }
  /// Starts it. Once.
  RemoteWorker& start(const RemoteProgram& program, const std::string& cookie);
  RemoteWorker* worker() { return worker_.get(); }

  /// Sends a signal, "INT", to the worker and its children. Does nothing if it has ended. @return false if the machine
  /// does not answer.
  bool signal(const std::string& name);
  /// Sends a signal to another process there that leads a group: a worker that the first one started.
  bool signal(int pid, const std::string& name);
  /// Sends SIGTERM, and SIGKILL if it does not end within `term`; then waits at most `kill` for its end.
  void terminate(cohort::Duration term, cohort::Duration kill);

 private:
  const std::shared_ptr<SessionThread> jump_;  // goes after the session
  const std::unique_ptr<SessionThread> session_;
  std::shared_ptr<RemoteWorker> worker_;

  cohort::detail::Mutex mutex_;
  std::shared_ptr<ExecChannel> unanswered_ COHORT_GUARDED_BY(mutex_);  // a signal that the machine was too slow for
};

}  // namespace cohort_ssh
