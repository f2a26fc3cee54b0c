#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <cohort/types.hpp>

#include "batch_job.hpp"
#include "door.hpp"
#include "job_start.hpp"
#include "job_watch.hpp"
#include "journal.hpp"

namespace cohort::batch {

/// Waits until enough workers of some jobs have come by their door: while the jobs are queued, and while they start.
/// What it waits for is said on standard error. One thread.
class LaunchWait {
 public:
  /// @param jobs that were submitted just now. @param enough workers, of all those that they start.
  LaunchWait(JobWatch& watch, Door& door, Journal& journal, const std::vector<std::shared_ptr<BatchJob>>& jobs,
             std::int64_t enough, JobStart::Limits limits);

  /// Blocks. @return why not enough have come; empty: they have.
  std::string run(const std::stop_token& stop);

 private:
  struct Waited {
    std::shared_ptr<const BatchJob> job;
    JobId id;
    JobStatus status = {};
    JobStart start = JobStart();
    std::string failure = {};  // why no more workers come by it

    bool is_open() const { return failure.empty() && job->arrived < job->workers; }
  };

  void look_at(Waited& waited);
  bool can_be_enough() const;
  std::string failures() const;
  void tell(std::int64_t missing);
  void count_joined(std::int64_t missing);
  std::string state_of_one() const;
  std::string state_of_all() const;

  JobWatch& watch_;
  Door& door_;
  Journal& journal_;
  const JobStart::Limits limits_;
  const std::int64_t enough_;
  std::vector<Waited> jobs_;
  std::int64_t workers_ = 0;  // of all jobs

  const cohort::Clock::time_point submitted_ = cohort::Clock::now();
  std::string told_;                           // the last message
  std::string joined_;                         // how many have, as it was said last; empty: jobs began a moment ago
  cohort::Clock::time_point next_count_ = {};  // when that may be said again
};

}  // namespace cohort::batch
