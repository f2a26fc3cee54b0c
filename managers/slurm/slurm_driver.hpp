#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/batch/command_driver.hpp>
#include <cohort/types.hpp>

#include "../batch/finding.hpp"
#include "slurm_tasks.hpp"

namespace cohort_slurm {

/// Slurm, by its commands: sbatch, squeue, scancel.
class SlurmDriver final : public cohort::batch::CommandDriver, public cohort::batch::ExaminingDriver {
 public:
  explicit SlurmDriver(cohort::batch::SubmitOptions options);

  std::map<cohort::batch::JobId, cohort::batch::JobStatus> status(
      const std::vector<cohort::batch::JobId>& jobs) override;
  std::string end_of_worker(std::string_view output, int ospid) const override { return end_of_task(output, ospid); }
  std::string trouble_of_host(const cohort::batch::JobId& job, std::string_view output, int ospid) override;
  void signal_worker(const cohort::batch::JobId& job, std::string_view output, int ospid, int number) override;
  std::optional<cohort::Duration> remaining(const cohort::batch::JobId& job) override;
  std::vector<cohort::batch::Finding> check(const cohort::batch::JobRequest& request, cohort::Duration limit) override;

 private:
  void add_values(cohort::batch::TemplateValues& values, const cohort::batch::JobRequest& request) const override;
  std::vector<cohort::batch::JobId> submitted(std::string_view printed,
                                              const cohort::batch::JobRequest& request) override;
  std::vector<std::string> submissions_named(const std::string& name) const override;
  std::string time_text(cohort::Duration walltime) const override;
};

}  // namespace cohort_slurm
