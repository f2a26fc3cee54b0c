#pragma once

#include <signal.h>
#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <cohort/file_descriptor.hpp>
#include <cohort/types.hpp>

namespace COHORT_EXPORT cohort {

/// How to start a process.
struct SpawnOptions {
  /// The program and its arguments; a program without '/' is searched in PATH. If it is this process's own program, and
  /// its file was replaced or removed since, the program that runs here is started.
  std::vector<std::string> command = {};
  std::string dir = {};  ///< working directory; a relative program is relative to it. Empty: inherited
  /// Changes to this process's environment; nullopt removes.
  std::map<std::string, std::optional<std::string>> env = {};
  std::string input = {};   ///< content of its standard input, at most 64 KiB (the size of a pipe)
  bool capture = true;      ///< standard output and error are pipes, see out() and err(); else inherited
  bool new_session = true;  ///< no controlling terminal, and signal() also reaches its children
  /// Sends SIGKILL to the process (not to its children) when the thread that calls spawn() ends, and therefore also
  /// when this process ends for any reason. That thread must live as long as the process is needed.
  bool die_with_parent = false;
  /// When the process has ended, sends SIGKILL to the processes that it started in its session; only with
  /// `new_session`. Processes that made a session of their own stay.
  bool end_with_children = false;
  std::vector<int> cpus = {};  ///< CPUs on which it may run, set before it can read its input; empty: inherited
};

/// How a process ended.
struct ExitStatus {
  bool exited = false;  ///< true: it exited by itself, with `code`
  int code = 0;
  int signal = 0;  ///< else the signal that killed it; 0: unknown, because another part of the program took the status

  /// "exited with code 3", "killed by signal 9 (Killed)".
  std::string text() const;
};

/// A process that this process started; it never becomes a zombie, and is never left behind. It inherits only the three
/// standard descriptors, no blocked and no ignored signals, and the limit of descriptors that this process had before
/// its Session raised it. Only one thread at a time may use the object.
class ChildProcess {
 public:
  /// Starts a process. @throws Error with the program, the directory and the cause.
  static ChildProcess spawn(const SpawnOptions& options);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  /// Kills the process (SIGKILL) if it still runs, and reaps it.
  ~ChildProcess();

  int pid() const { return pid_; }
  int out() const { return out_.get(); }  ///< descriptor to read its standard output; -1: taken or not captured
  int err() const { return err_.get(); }
  [[nodiscard]] int take_out() { return out_.release(); }  ///< the caller must close it
  [[nodiscard]] int take_err() { return err_.release(); }

  /// Sends a signal, with `new_session` also to its children. Does nothing once poll() or wait_until() gave a status.
  void signal(int number);
  /// Returns how it ended, or nullopt while it runs.
  std::optional<ExitStatus> poll();
  /// Waits for its end; returns nullopt if it still runs at the deadline.
  std::optional<ExitStatus> wait_until(Clock::time_point deadline);
  /// Sends SIGTERM, and SIGKILL if it does not end within `term`; then waits at most `kill` for its end.
  std::optional<ExitStatus> terminate(Duration term, Duration kill);

 private:
  ChildProcess() = default;
  void end() noexcept;
  /// Calls waitid() for the process, without waiting.
  int look(siginfo_t& info, int options) const;

  pid_t pid_ = -1;  // -1: this object was moved from
  bool leads_group_ = false, ends_group_ = false;
  FileDescriptor pidfd_;  // empty: the kernel, or valgrind, has none
  FileDescriptor out_;
  FileDescriptor err_;
  std::optional<ExitStatus> status_;
};

}  // namespace cohort
