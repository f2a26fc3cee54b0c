#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dialect.hpp"
#include "hosts.hpp"
#include "job_table.hpp"
#include "loop.hpp"
#include "settings.hpp"
#include "step.hpp"

namespace cohort::fake_scheduler {

class JobRun;

/// Starts the jobs of a table on hosts with free slots, first come, first served, and ends them. All on one thread.
class Scheduler {
 public:
  /// @param directory its own, for the scripts of jobs.
  Scheduler(uv_loop_t* loop, Settings settings, Dialect& dialect, std::string directory);
  ~Scheduler();

  JobTable& jobs() { return jobs_; }
  Hosts& hosts() { return hosts_; }
  Faults& faults() { return settings_.faults; }
  const Settings& settings() const { return settings_; }
  /// Of Faults, by its name in Settings. @return false: that is no value for it.
  bool set_fault(std::string_view name, std::string_view value) { return settings_.set(name, value); }
  const std::string& directory() const { return directory_; }
  Dialect& dialect() { return dialect_; }
  Timers& timers() { return timers_; }
  Children& children() { return children_; }
  uv_loop_t* loop() { return loop_; }

  enum class Refusal { none, fault, too_many };
  /// To be asked once for each submission.
  Refusal refusal();
  std::vector<Job*> submit(const JobSpec& spec, const std::vector<int>& array_tasks = {}, int at_once = 0);
  /// Slots without a script, for a command that runs on the login host.
  Job& allocate(const JobSpec& spec);

  void cancel(Job& job) { end(job, State::cancelled, job.status.reason); }
  /// Ends a job, whether it waits or runs: SIGTERM, and SIGKILL after the grace.
  void end(Job& job, State state, const std::string& reason, bool requeue = false);
  /// The command that uses an allocation has ended by itself.
  void release_allocation(Job& job, int wait_status);
  enum class Target { script, steps, all };
  /// To processes of a running job.
  void signal(Job& job, int number, Target target);
  void hold(Job& job);
  void release(Job& job);
  void vanish(Job& job);
  void set_host_down(const std::string& host, bool down);
  void set_queue_down(const std::string& queue, bool down);

  /// Null: it does not run.
  JobRun* run_of(JobNumber job);
  JobRun* run_of(const Job& job) { return run_of(job.number); }
  /// Calls the function at each change of that job's status, until it returns false.
  void watch(JobNumber job, std::function<bool(const Job&)> changed) { watchers_.emplace(job, std::move(changed)); }

  /// Ends all jobs. @param ended is called when no process of them is left.
  void shut_down(std::function<void()> ended);

  // For JobRun.
  void set(Job& job, JobStatus status);
  void finished(Job& job, JobStatus status, bool requeue);
  void schedule();

 private:
  void schedule_soon();
  std::string reason_to_wait(const Job& job, bool behind_others);
  std::string dependency_to_wait_for(const Job& job);
  void start(Job& job, std::vector<Place> places);
  void look_at_memory();
  void forget_old_jobs();

  uv_loop_t* const loop_;
  Settings settings_;
  Dialect& dialect_;
  const std::string directory_;
  Timers timers_;
  Children children_;
  JobTable jobs_;
  Hosts hosts_;
  std::map<JobNumber, std::unique_ptr<JobRun>> runs_;
  std::multimap<JobNumber, std::function<bool(const Job&)>> watchers_;
  std::function<void()> when_all_ended_;  // set while it shuts down
  Timers::Token schedule_ = 0, memory_ = 0;
  int submissions_ = 0;
};

}  // namespace cohort::fake_scheduler
