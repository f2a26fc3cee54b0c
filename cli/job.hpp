#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <cohort/types.hpp>

namespace cohort::cli {

/// A program to run on a worker. Travels as an argument.
struct JobSpec {
  std::vector<std::string> command;
  std::int64_t timeout = 0;    ///< nanoseconds after which it is ended; 0: none
  bool stream = false;         ///< lines go to the master's show_lines() as they come, not into the result
  std::uint64_t keep_for = 0;  ///< else, if not 0: for what job the master's keep_output() gets what is much
};

/// How it ended. Travels as a result.
struct JobResult {
  int code = 0;              ///< its exit code, unless it was ended by a signal or could not be started
  int signal = 0;            ///< the signal that ended it
  bool timed_out = false;    ///< and was therefore ended
  bool interrupted = false;  ///< ended because the call was interrupted
  std::string error;         ///< why it could not be started
  std::string out;           ///< what it printed; with `keep_for` only what the master has not got yet
  std::string err;
  double seconds = 0;  ///< from start to end, on the worker's clock

  bool succeeded() const { return code == 0 && signal == 0 && !timed_out && !interrupted && error.empty(); }
};

/// "exited with code 2", "killed by signal 9 (Killed)", "timed out after 5s".
std::string describe_end(const JobResult& result, Duration timeout);

/// Runs the program and waits for its end, reading what it prints; its standard input is empty. Ends it, first by
/// SIGTERM, when the call is interrupted or the time is up. Called remotely.
JobResult run_job(const JobSpec& spec);

/// The name of the host that this process runs on. Called remotely.
std::string host_name();

/// What a streaming job printed: whole lines. Travels to the master.
struct Lines {
  Pid worker = no_pid;
  bool is_stderr = false;
  std::string text;
};

/// How show_lines() prints on this process.
struct LineStyle {
  bool prefix = true;
  std::map<Pid, std::string> hosts;  ///< to be named with a worker's lines; empty: of none
  /// Called once, with the errno, when standard output takes no more: what comes for it is dropped from then on. Any
  /// thread; must not block.
  std::function<void(int error)> output_lost;
};

/// Set before jobs are started.
void set_line_style(LineStyle style);
/// "worker 2", or "worker 2 on node1".
std::string worker_text(Pid worker, const std::map<Pid, std::string>& hosts);
/// Prints lines of a worker, each behind "      From worker 2:\t" or "      From worker 2 on node1:\t". Called
/// remotely, by workers.
void show_lines(const Lines& lines);

}  // namespace cohort::cli
