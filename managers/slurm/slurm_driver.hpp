#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cohort/options.hpp>
#include <cohort/types.hpp>

#include "../batch/queue_driver.hpp"
#include "slurm_tasks.hpp"

namespace cohort_slurm {

/// What jobs are to be like.
struct SlurmOptions {
  explicit SlurmOptions(const cohort::Options& options);

  std::optional<std::string> partition, account;
  std::optional<cohort::Duration> walltime;
  std::vector<std::string> flags;
};

/// Slurm, by its commands: sbatch, squeue, scancel.
class SlurmDriver final : public cohort_batch::QueueDriver {
 public:
  explicit SlurmDriver(SlurmOptions options) : options_(std::move(options)) {}

  const cohort_batch::Dialect& dialect() const override;
  std::string describe(const cohort_batch::JobRequest& request) const override;
  std::vector<cohort_batch::JobId> submit(const cohort_batch::JobRequest& request) override;
  std::map<cohort_batch::JobId, cohort_batch::JobStatus> status(const std::vector<cohort_batch::JobId>& jobs) override;
  void cancel(const std::vector<cohort_batch::JobId>& jobs) override;
  std::string end_of_worker(std::string_view output, int ospid) const override { return end_of_task(output, ospid); }
  void signal_worker(const cohort_batch::JobId& job, std::string_view output, int ospid, int number) override;
  std::optional<cohort::Duration> remaining(const cohort_batch::JobId& job) override;

 private:
  std::string script(const cohort_batch::JobRequest& request) const;
  std::vector<std::string> submit_command() const;

  const SlurmOptions options_;
};

}  // namespace cohort_slurm
