#pragma once

#include <sys/types.h>
#include <uv.h>

#include <memory>
#include <set>
#include <string>

#include "call.hpp"
#include "scheduler.hpp"

namespace cohort::fake_scheduler {

/// The directory of a fake scheduler, with its socket and, in bin/, its commands. Removed with this object.
class Directory {
 public:
  /// @throws std::runtime_error that says what cannot be made.
  explicit Directory(const Dialect& dialect);
  ~Directory();
  Directory(const Directory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Listens for commands, and lets the dialect answer them, until it is told to end.
class Server {
 public:
  Server(uv_loop_t* loop, const std::string& directory, Dialect& dialect, Scheduler& scheduler);
  ~Server();
  Server(const Server&) = delete;

  /// Takes no more commands.
  void close();

 private:
  void accept();
  void answer(const std::shared_ptr<Call>& call);
  void forget(const std::shared_ptr<Call>& call);

  uv_loop_t* const loop_;
  Dialect& dialect_;
  Scheduler& scheduler_;
  uv_pipe_t* listening_;  // null: closed
  std::set<std::shared_ptr<Call>> calls_;
};

/// `cohort fake-scheduler control`.
Answer control(const std::vector<std::string>& words, Scheduler& scheduler);

}  // namespace cohort::fake_scheduler
