#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <cohort/types.hpp>

#include "base/progress_bar.hpp"
#include "interrupt_signal.hpp"
#include "job.hpp"
#include "job_inputs.hpp"
#include "job_queue.hpp"
#include "job_template.hpp"
#include "joblog.hpp"
#include "wake_event.hpp"

namespace cohort::cli {

enum class Halt { never, soon, now };

struct MapSettings {
  int slots = 1;  ///< jobs at once on a worker
  bool keep_order = false;
  bool tag = false;
  int retries = 0;
  Halt halt = Halt::never;
  Duration timeout = never;
  std::string joblog;  ///< file; empty: none
  ProgressBar::Show progress = ProgressBar::Show::on_terminal;
};

/// Runs one job for each input on the workers. The calling thread reads inputs and waits for Ctrl-C; each slot of each
/// worker has a thread here that takes jobs from the queue, sends them, and delivers what they printed.
class MapRun {
 public:
  MapRun(const MapSettings& settings, const JobTemplate& command, JobInputs inputs, const std::vector<Pid>& workers);

  /// @return the tool's exit status.
  int run();

 private:
  struct Outcome {
    Job job;
    std::vector<std::string> command;
    Pid worker = no_pid;
    std::string host;
    double start = 0;
    JobResult result;
    std::string lost;  // why the worker is gone, if it is
    std::string cause(Duration timeout) const;
  };

  // The calling thread.
  void fill_queue();
  void wait_for_events();
  void interrupt_workers();
  Progress progress();
  int finish_up();

  // A slot's thread.
  void feed(Pid worker, std::size_t slot);
  Outcome attempt(Pid worker, std::size_t slot, const std::string& host, Job job);
  void settle(Outcome outcome);

  // Any thread.
  void deliver(Outcome outcome);
  void print(const Outcome& outcome);  // holds mutex_
  void stop(Halt how);

  const MapSettings settings_;
  const JobTemplate command_;
  const std::vector<Pid> workers_;
  const Clock::time_point start_ = Clock::now();
  const InterruptSignal interrupt_signal_;
  JobInputs inputs_;             // the calling thread's
  std::size_t next_number_ = 1;  // the calling thread's
  JobQueue queue_;
  WakeEvent wake_;  // a job was taken, or a slot's thread ended
  std::atomic<std::size_t> feeders_ = 0;
  std::atomic<bool> ended_by_us_ = false;  // running jobs are being interrupted
  std::atomic<bool> output_closed_ = false;

  std::mutex mutex_;  // guards everything below
  std::size_t done_ = 0;
  std::size_t failed_ = 0;
  std::optional<Joblog> joblog_;
  ProgressBar bar_;
  std::map<std::size_t, Outcome> early_;  // with keep_order: those that wait for the output of earlier ones
  std::size_t next_to_print_ = 1;
};

}  // namespace cohort::cli
