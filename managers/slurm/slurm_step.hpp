#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../batch/allocation_driver.hpp"
#include "slurm_tasks.hpp"

namespace cohort_slurm {

/// Within an allocation: what would be a job is a step of it, which srun starts as a child of this process. The join
/// file comes by the standard input of srun, so no other host needs to see a file.
class SlurmStep final : public cohort::batch::AllocationDriver {
 public:
  /// @param flags more arguments of srun.
  SlurmStep(cohort::batch::JobId allocation, std::vector<std::string> flags)
      : AllocationDriver("slurm", std::move(allocation)), flags_(std::move(flags)) {}

  std::string describe(const cohort::batch::JobRequest& request) const override;
  std::string end_of_worker(std::string_view output, int ospid) const override { return end_of_task(output, ospid); }
  std::string trouble_of_host(const cohort::batch::JobId& job, std::string_view output, int ospid) override;
  void signal_worker(const cohort::batch::JobId& job, std::string_view output, int ospid, int number) override;
  std::optional<cohort::Duration> remaining(const cohort::batch::JobId& job) override;

  /// The allocation in which this process runs.
  static std::optional<cohort::batch::Allocation> current();
  /// How many processes srun has started of this program, this one included; 1 if that was not srun.
  static std::int64_t siblings();

 private:
  Step step(const cohort::batch::JobRequest& request) const override;

  const std::vector<std::string> flags_;
};

}  // namespace cohort_slurm
