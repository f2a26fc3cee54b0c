#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <string>

#include <cohort/detail/mutex.hpp>
#include <cohort/file_descriptor.hpp>
#include <cohort/worker_config.hpp>

#include "exec_channel.hpp"
#include "launch_command.hpp"
#include "patience.hpp"

namespace cohort_ssh {

/// The first worker of a machine: a process there, in a channel of its session. The output of profiles before it starts
/// is shown only with errors. Its own output is written to pipes that the core reads, as fast as the core reads.
class RemoteWorker final : public ExecChannel {
 public:
  /// @param program is started with `cookie` on its standard input. Nothing is sent before the login shell has finished
  /// its profiles, so that no other program there can read it.
  RemoteWorker(const RemoteProgram& program, const std::string& cookie);

  /// Waits until it announces its address. @return false if it ended before, or if the patience is over.
  bool wait_announced(const Patience& patience);
  /// Returns its outputs. Call it once.
  cohort::WorkerOutput take_outputs() { return {out_.near.release(), err_.near.release()}; }
  /// The program's process id and address; pid 0 as long as the program has not been started.
  Launched launched();
  /// The last lines of its output, indented; "" if there are none.
  std::string last_lines();

 protected:
  std::size_t take_output(bool is_stderr, std::span<const char> bytes) override;
  bool has_room(bool is_stderr) const override;
  void output_ended() override;
  void ended(const End&) override;
  void add_to(std::vector<pollfd>& polled) const override;

 private:
  struct Pipe {
    cohort::FileDescriptor near;  // the core's end
    cohort::FileDescriptor far;   // the session's thread writes
    bool is_full = false;
  };
  RemoteWorker(const RemoteProgram& program, const std::string& cookie, const std::string& mark);
  static Pipe make_pipe();

  void announce(const std::string& line);
  void take_line(const std::string& line);
  static std::size_t write_to(Pipe& pipe, std::span<const char> bytes);
  void keep(const std::string& said, Pipe& pipe);

  const std::string ready_, mark_;
  const std::string secret_;  // by which a line that shows the cookie is known

  // The session's thread, save near.
  Pipe out_, err_;
  std::string line_[2];      // begun: standard output, standard error
  bool is_started_ = false;  // what came before is the profiles', whatever it says
  bool passes_on_ = false;
  std::size_t passed_on_early_ = 0;  // bytes of the program before it announced itself

  cohort::detail::Mutex mutex_;
  std::condition_variable_any announced_or_ended_;
  Launched launched_ COHORT_GUARDED_BY(mutex_);
  bool announced_ COHORT_GUARDED_BY(mutex_) = false;
  bool outputs_over_ COHORT_GUARDED_BY(mutex_) = false;
  // The last ones before it announced itself, of profiles too.
  std::deque<std::string> lines_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort_ssh
