#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <cohort/batch/queue_driver.hpp>
#include <cohort/demand.hpp>
#include <cohort/types.hpp>

namespace cohort::batch {

/// Decides how many jobs there should be for the work that there is. It only computes: one thread feeds it.
class Scaler {
 public:
  struct Limits {
    std::int64_t least = 1, most = 1;  ///< workers
    cohort::Duration idle = {};        ///< after so long without work a job ends
  };
  /// A job that has not ended.
  struct Job {
    JobId id;
    int workers = 1;        ///< that it has, or is to start
    bool queued = false;    ///< it waits in the queue
    bool starting = false;  ///< it begins within moments, or has begun, and no worker has come yet
    bool busy = false;      ///< a call is open at one of its workers
    bool leaving = false;   ///< it counts only against the most
  };
  /// What is to be done now.
  struct Plan {
    int submit = 0;                  ///< so many jobs more
    std::vector<JobId> cancel = {};  ///< they are queued
    std::vector<JobId> leave = {};   ///< their workers are to leave
    std::string why;  ///< how many workers are wanted, and why nothing is done although they are not there
  };

  explicit Scaler(Limits limits) : limits_(limits) {}

  /// @param jobs from the oldest to the newest. @param workers_of_job of a job that would be submitted.
  /// @param now never earlier than in the last call.
  Plan plan(const cohort::Demand& demand, const std::vector<Job>& jobs, int workers_of_job,
            cohort::Clock::time_point now);
  /// A job could not be submitted, or ended before a worker joined. After several in a row there is a pause, which
  /// grows. A job that was cancelled here does not count.
  void failed(cohort::Clock::time_point now);
  /// A worker has joined.
  void succeeded() { failures_ = 0; }
  /// Whether more jobs would be submitted for more work.
  bool may_submit(cohort::Clock::time_point now) const { return now >= resume_; }

 private:
  const Limits limits_;
  std::optional<cohort::Clock::time_point> short_since_ = {};           // too few workers
  std::map<JobId, cohort::Clock::time_point> without_work_since_ = {};  // jobs that could end
  int failures_ = 0;
  cohort::Clock::time_point resume_ = {};
};

}  // namespace cohort::batch
