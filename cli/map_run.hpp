#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <cohort/types.hpp>

#include "base/progress_bar.hpp"
#include "inbox.hpp"
#include "interrupt_signal.hpp"
#include "job.hpp"
#include "job_inputs.hpp"
#include "job_outputs.hpp"
#include "job_queue.hpp"
#include "job_template.hpp"
#include "joblog.hpp"

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

/// Runs one job for each input on the workers. The thread that calls run() does everything here: it reads inputs, sends
/// jobs, takes their ends from the inbox, prints, and waits for Ctrl-C. It starts no thread.
class MapRun {
 public:
  MapRun(const MapSettings& settings, const JobTemplate& command, JobInputs inputs, const std::vector<Pid>& workers,
         const InterruptSignal& interrupt_signal);

  /// @return the tool's exit status, when it is about the jobs. @throws whatever kept it from running or reporting all
  /// of them, when those that ran have ended.
  int run();

 private:
  /// Where a job runs: a worker has as many as it runs jobs at once.
  struct Slot {
    Pid worker = no_pid;
    std::size_t number = 0;
  };
  struct Outcome {
    Job job;
    std::vector<std::string> command;
    Slot slot;
    std::uint64_t output_id = 0;  // for outputs_
    double start = 0;
    JobResult result;
    JobOutput output;
    std::string lost;  // why the worker is gone, if it is
    std::string cause(Duration timeout) const;
  };

  void step();
  bool over() const;
  void ask_for_hosts();
  void fill_queue();
  void hand_out();
  void start(const Slot& slot, Job job);
  /// @param answer returns what the worker answered, or throws why it did not.
  void end(Outcome outcome, const std::function<JobResult()>& answer);
  void settle(Outcome outcome);
  void deliver(Outcome outcome);
  void print(const Outcome& outcome);
  void stop(Halt how);
  void wait_for_events();
  void interrupt_workers();
  Progress progress() const;
  int finish_up();

  const MapSettings settings_;
  const JobTemplate command_;
  const std::vector<Pid> workers_;
  const Clock::time_point start_ = Clock::now();
  const InterruptSignal& interrupt_signal_;
  const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();  // those who post may outlive this object
  JobOutputs outputs_;
  JobInputs inputs_;
  std::size_t next_number_ = 1;
  JobQueue queue_;
  std::map<Pid, std::string> hosts_;
  std::deque<Slot> free_;       // the first one has been free longest
  std::size_t calls_ = 0;       // not answered yet
  bool ended_by_us_ = false;    // running jobs are being interrupted
  std::exception_ptr failure_;  // why it is being ended, unless that is a job
  std::size_t done_ = 0;
  std::size_t failed_ = 0;
  std::optional<Joblog> joblog_;
  ProgressBar bar_;
  Clock::time_point next_drawing_ = Clock::now();
  std::map<std::size_t, Outcome> early_;  // with keep_order those that wait for the output of earlier ones
  std::size_t next_to_print_ = 1;
};

}  // namespace cohort::cli
