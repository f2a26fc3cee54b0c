#pragma once

#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "scheduler.hpp"

namespace cohort::fake_scheduler {

/// A job that runs, or ends: its processes, its steps and its times.
class JobRun {
 public:
  JobRun(Scheduler& scheduler, Job& job);
  ~JobRun();
  JobRun(const JobRun&) = delete;

  void start();
  void end(State state, const std::string& reason, bool requeue, bool at_once);
  void script_ended(int wait_status);
  void signal(int number, Scheduler::Target target);
  void kill_host(const std::string& host);
  /// Sees whether a host of it has more memory in use than it may.
  void look_at_memory();

  /// The step begins when `start` of what this returns is called with mark(). It is gone when all its tasks have ended.
  Step& add_step(StepSpec spec, Step::Events events);
  void remove_step(Step& step);
  int next_step_number() { return next_step_++; }
  std::string mark(const std::string& host) const { return mark_prefix() + host; }
  bool ending() const { return end_.has_value(); }
  /// Slots that steps use, of a host.
  int& slots_in_use(const std::string& host) { return in_use_[host]; }
  /// Called when a step has ended, and slots are free again. Once each.
  void when_slots_are_free(std::function<void()> function) { waiting_.push_back(std::move(function)); }

 private:
  struct End {
    State state;
    std::string reason;
    bool requeue;
  };
  std::string mark_prefix() const;
  std::string spool() const;
  void start_script();
  void start_clocks();
  void say(const std::string& words);
  void signal_all(int number);
  void sweep();
  void finish();

  Scheduler& scheduler_;
  Job& job_;
  pid_t script_ = -1;
  bool script_runs_ = false;
  int wait_status_ = 0;
  std::string output_;  // of the script
  std::optional<End> end_;
  bool out_of_memory_ = false;
  bool kills_ = false;     // what is left of it is killed now
  std::set<pid_t> asked_;  // to end
  Milliseconds pause_{5};
  Timers::Token walltime_ = 0, warning_ = 0, kill_ = 0, sweep_ = 0;
  std::list<std::unique_ptr<Step>> steps_;
  std::map<std::string, int> in_use_;
  std::vector<std::function<void()>> waiting_;
  int next_step_ = 0;
};

}  // namespace cohort::fake_scheduler
