#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <cohort/detail/mutex.hpp>
#include <cohort/types.hpp>

#include "batch_job.hpp"
#include "job_start.hpp"
#include "job_watch.hpp"
#include "journal.hpp"
#include "scaler.hpp"

namespace cohort::batch {

/// Looks after jobs from when their launch is over: takes the workers out of use before the time of their job is over,
/// finds out what became of a job that has lost its workers, has another one submitted in the place of one that ends,
/// and has as many jobs as there is work for. A thread of its own, which sleeps until there is something to look at.
class JobKeeper {
 public:
  using JobPtr = std::shared_ptr<BatchJob>;
  /// What the manager does for it, on the keeper's thread.
  struct Actions {
    std::function<void(const JobPtr&)> end;    ///< cancels a job, if it has not ended, and forgets it
    std::function<void(const JobPtr&)> renew;  ///< the job may begin once more: gives it new tokens
    /// Submits so many jobs like it, or fewer, but one. @throws Error.
    std::function<std::vector<JobPtr>(const JobPtr&, int number)> copy;
  };
  struct Limits {
    cohort::Duration queue = cohort::never;    ///< how long a job may wait in the queue
    std::optional<cohort::Duration> launch;    ///< how long until its first worker joins; nullopt: as of its launch
    std::optional<cohort::Duration> walltime;  ///< of a job, if the scheduler does not say when its time is over
    std::optional<cohort::Duration> drain;  ///< before that its workers get no more work; nullopt: a tenth of its time
    bool respawn = false;                   ///< another job takes the place of one that ends
    std::optional<Scaler::Limits> scale = {};  ///< nullopt: as many jobs as were launched
  };
  JobKeeper(JobWatch& watch, Journal& journal, Actions actions, Limits limits);
  /// Ends its threads.
  ~JobKeeper();
  JobKeeper(const JobKeeper&) = delete;
  JobKeeper& operator=(const JobKeeper&) = delete;

  /// From now on it looks after this job, until it has ended.
  void add(const JobPtr& job);
  /// The job was ended by others.
  void remove(const JobPtr& job);
  /// A worker of the job has joined. Of one that ends, `lost` says that nobody wanted that.
  void joined(const JobPtr& job, cohort::Pid pid);
  void left(const JobPtr& job, cohort::Pid pid, bool lost);

 private:
  using TimePoint = cohort::Clock::time_point;
  struct Kept {
    std::set<cohort::Pid> pids = {};
    bool is_fresh = true;                       // none of its workers has come yet
    JobStart start = JobStart();                // while it is fresh
    int came = 0;                               // workers, since it began
    bool has_lost = false;                      // a worker that nobody wanted to end
    std::optional<TimePoint> empty_since = {};  // all that had come are gone
    bool knows_end = false;                     // whether the scheduler has said when its time is over
    std::optional<TimePoint> end = {};          // then
    cohort::Duration drain = {};                // how long before it
    TimePoint replacement = {};                 // when another job is to be submitted
    bool is_drained = false, is_replaced = false, is_renewed = false;
    bool is_leaving = false;   // for want of work
    std::uint64_t number = 0;  // in the order of coming
  };
  struct Drain {
    std::shared_ptr<std::atomic<bool>> is_over;
    std::jthread thread;
  };

  void run(const std::stop_token& stop);
  void tell_what_is_expected();
  /// @return when to look at it again.
  TimePoint look_at(const JobPtr& job);
  TimePoint look_at_fresh(const JobPtr& job);
  TimePoint look_at_ended(const JobPtr& job);
  TimePoint look_at_empty(const JobPtr& job, TimePoint empty_since);
  TimePoint look_at_time(const JobPtr& job);
  void learn_end(Kept& kept, const JobStatus& status) const COHORT_REQUIRES(mutex_);
  void drain(const JobPtr& job);
  void run_drain(std::function<void(const std::stop_token&)> drain);
  std::vector<JobPtr> take_jobs();
  bool scale(const std::vector<JobPtr>& jobs);
  std::optional<Scaler::Job> scaled_job(const JobPtr& job, const JobStatus& status, const cohort::Demand& demand);
  void submit_more(const JobPtr& model, const Scaler::Plan& plan);
  void cancel(const JobPtr& job);
  void leave(const JobPtr& job);
  void tell_state(const std::vector<JobPtr>& jobs, const std::string& first);
  void replace(const JobPtr& job, const std::string& why);
  void has_not_started(const JobPtr& job, const std::string& why);
  void is_over(const JobPtr& job, const std::string& why);
  Kept* find(const JobPtr& job) COHORT_REQUIRES(mutex_);
  Kept& keep(const JobPtr& job) COHORT_REQUIRES(mutex_);

  JobWatch& watch_;
  Journal& journal_;
  const Actions actions_;
  const Limits limits_;

  cohort::detail::Mutex mutex_;
  std::condition_variable_any changed_;
  bool is_changed_ COHORT_GUARDED_BY(mutex_) = false;
  std::map<JobPtr, Kept> jobs_ COHORT_GUARDED_BY(mutex_);
  std::uint64_t last_number_ COHORT_GUARDED_BY(mutex_) = 0;
  bool has_begun_ COHORT_GUARDED_BY(mutex_) = false;  // a job has, since the thread has looked
  JobPtr model_ COHORT_GUARDED_BY(mutex_);            // the newest job: others are submitted like it
  std::stop_token stop_;                              // of the thread; its own
  int failed_starts_ = 0;                             // jobs in a row of which no worker has come; the thread's own
  std::set<std::shared_ptr<Door>> expecting_;         // doors by which more workers may come; the thread's own
  std::optional<Scaler> scaler_;                      // the thread's own
  std::vector<Drain> drains_;                         // the thread's own
  std::jthread thread_;                               // last: it uses all of the above
};

}  // namespace cohort::batch
