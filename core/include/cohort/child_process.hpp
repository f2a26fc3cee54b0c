#pragma once

#include <signal.h>
#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <cohort/file_descriptor.hpp>
#include <cohort/types.hpp>

namespace cohort {

/// How to start a process.
struct SpawnOptions {
  /// Program, then its arguments; a program without '/' is looked up in PATH. Where it is this process's own program,
  /// and its file was replaced or removed since, what runs here is started.
  std::vector<std::string> command;
  std::string dir;  ///< working directory; a relative program is relative to it. Empty: inherited
  std::map<std::string, std::optional<std::string>> env;  ///< changes to this process's environment; nullopt removes
  std::string input;        ///< what it reads on standard input before the end; at most 64 KiB (what a pipe holds)
  bool capture = true;      ///< standard output and error as pipes, see out() and err(); else inherited
  bool new_session = true;  ///< no controlling terminal, and signal() reaches what it started as well
  /// SIGKILL for it (not for what it started) when the thread that calls spawn() ends, and so when this process does,
  /// however that comes about. The thread must live as long as the process is wanted.
  bool die_with_parent = false;
  /// SIGKILL, when it has ended, for what it started in its session; with `new_session`. What made a session of its own
  /// stays.
  bool end_with_children = false;
  std::vector<int> cpus;  ///< CPUs it may run on, bound before it can read its input; empty: inherited
};

/// How a process ended.
struct ExitStatus {
  bool exited = false;  ///< by itself, with `code`
  int code = 0;
  int signal = 0;  ///< else the signal that killed it; 0: unknown, as another part of the program took the status

  /// "exited with code 3", "killed by signal 9 (Killed)".
  std::string text() const;
};

/// A process that this one started, and its end: never a zombie, never left behind. Inherits no descriptor but the
/// standard three, no blocked and no ignored signal, and the limit of descriptors that this process had before its
/// Session raised it. One thread at a time.
class ChildProcess {
 public:
  /// @throws Error naming the program, the directory and the cause.
  static ChildProcess spawn(const SpawnOptions& options);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  /// Kills the process (SIGKILL) if it is still there, and reaps it.
  ~ChildProcess();

  int pid() const { return pid_; }
  int out() const { return out_.get(); }  ///< where its standard output is read; -1: taken or not captured
  int err() const { return err_.get(); }
  [[nodiscard]] int take_out() { return out_.release(); }  ///< the caller closes it
  [[nodiscard]] int take_err() { return err_.release(); }

  /// Sends a signal: with `new_session` also to what it started. No effect once poll() or wait_until() told the end.
  void signal(int number);
  /// How it ended, or nullopt while it runs.
  std::optional<ExitStatus> poll();
  /// Waits for the end; nullopt: it still runs at the deadline.
  std::optional<ExitStatus> wait_until(Clock::time_point deadline);
  /// SIGTERM, and SIGKILL when it did not end within `term`; then waits for the end up to `kill`.
  std::optional<ExitStatus> terminate(Duration term, Duration kill);

 private:
  ChildProcess() = default;
  void end() noexcept;
  /// waitid() for it, without waiting.
  int look(siginfo_t& info, int options) const;

  pid_t pid_ = -1;  // -1: this object was moved from
  bool leads_group_ = false, ends_group_ = false;
  FileDescriptor pidfd_;  // empty: the kernel, or valgrind, has none
  FileDescriptor out_;
  FileDescriptor err_;
  std::optional<ExitStatus> status_;
};

}  // namespace cohort
