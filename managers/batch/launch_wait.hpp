#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

#include <cohort/types.hpp>

#include "door.hpp"
#include "job_watch.hpp"

namespace cohort_batch {

/// Waits until the workers of a job have come by its door: while it is queued, and while it starts. What it waits for
/// is said on standard error.
class LaunchWait {
 public:
  struct Limits {
    cohort::Duration queue;   ///< until the job runs
    cohort::Duration launch;  ///< from then on, until all workers have come
  };
  /// @param output what the job prints, for the message of a failure.
  LaunchWait(JobWatch& watch, Door& door, JobId job, std::int64_t workers, Limits limits, std::filesystem::path output);

  /// Blocks. @return why not all have come; empty: they have.
  std::string run(const std::stop_token& stop);

 private:
  std::string why_to_give_up(const JobStatus& status);
  void note_begin(const JobStatus& status, std::int64_t missing);
  void tell(const JobStatus& status);
  std::string tail() const;
  std::string count_of_workers() const;

  JobWatch& watch_;
  Door& door_;
  const JobId job_;
  const std::int64_t workers_;
  const Limits limits_;
  const std::filesystem::path output_;

  const cohort::Clock::time_point submitted_ = cohort::Clock::now();
  std::optional<cohort::Clock::time_point> began_;    // the job did
  std::optional<cohort::Clock::time_point> unknown_;  // since when the scheduler does not know it
  std::string told_;                                  // the last message
};

}  // namespace cohort_batch
