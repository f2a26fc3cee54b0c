#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cohort/child_process.hpp>
#include <cohort/detail/mutex.hpp>

#include "../batch/queue_driver.hpp"
#include "slurm_tasks.hpp"

namespace cohort_slurm {

/// Within an allocation: what would be a job is a step of it, which srun starts as a child of this process. The join
/// file comes by the standard input of srun, so no other host needs to see a file.
class SlurmStep final : public cohort_batch::QueueDriver {
 public:
  /// @param flags more arguments of srun.
  explicit SlurmStep(std::vector<std::string> flags) : flags_(std::move(flags)) {}

  const cohort_batch::Dialect& dialect() const override;
  std::string describe(const cohort_batch::JobRequest& request) const override;
  std::vector<cohort_batch::JobId> submit(const cohort_batch::JobRequest& request) override;
  std::map<cohort_batch::JobId, cohort_batch::JobStatus> status(const std::vector<cohort_batch::JobId>& jobs) override;
  void cancel(const std::vector<cohort_batch::JobId>& jobs) override;
  std::string end_of_worker(std::string_view output, int ospid) const override { return end_of_task(output, ospid); }
  void signal_worker(const cohort_batch::JobId& job, std::string_view output, int ospid, int number) override;
  std::optional<cohort::Duration> remaining(const cohort_batch::JobId& job) override;

  /// The allocation in which this process runs; empty: in none.
  static cohort_batch::JobId allocation();
  /// How many processes srun has started of this program, this one included; 1 if that was not srun.
  static std::int64_t siblings();
  /// How many tasks it is for; nullopt: it is in none, or does not say.
  static std::optional<std::int64_t> tasks();

 private:
  std::vector<std::string> step_command(const cohort_batch::JobRequest& request) const;

  const std::vector<std::string> flags_;
  cohort::detail::Mutex mutex_;
  std::map<cohort_batch::JobId, cohort::ChildProcess> steps_ COHORT_GUARDED_BY(mutex_);  // each an srun
  int next_ COHORT_GUARDED_BY(mutex_) = 1;
};

}  // namespace cohort_slurm
