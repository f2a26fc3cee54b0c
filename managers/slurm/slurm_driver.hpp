#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/types.hpp>

#include "../batch/command_driver.hpp"
#include "slurm_tasks.hpp"

namespace cohort_slurm {

/// Slurm, by its commands: sbatch, squeue, scancel.
class SlurmDriver final : public cohort_batch::CommandDriver {
 public:
  explicit SlurmDriver(cohort_batch::SubmitOptions options);

  std::map<cohort_batch::JobId, cohort_batch::JobStatus> status(const std::vector<cohort_batch::JobId>& jobs) override;
  std::string end_of_worker(std::string_view output, int ospid) const override { return end_of_task(output, ospid); }
  void signal_worker(const cohort_batch::JobId& job, std::string_view output, int ospid, int number) override;
  std::optional<cohort::Duration> remaining(const cohort_batch::JobId& job) override;
  std::vector<cohort_batch::Finding> check(const cohort_batch::JobRequest& request, cohort::Duration limit) override;

 private:
  void add_values(cohort_batch::TemplateValues& values, const cohort_batch::JobRequest& request) const override;
  std::vector<cohort_batch::JobId> submitted(std::string_view printed,
                                             const cohort_batch::JobRequest& request) override;
  std::string time_text(cohort::Duration walltime) const override;
};

}  // namespace cohort_slurm
