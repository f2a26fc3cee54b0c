#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../batch/allocation_driver.hpp"
#include "../batch/batch_options.hpp"
#include "../batch/command_driver.hpp"

namespace cohort_lsf {

/// LSF, by its commands: bsub, bjobs, bkill.
class LsfDriver final : public cohort_batch::CommandDriver {
 public:
  explicit LsfDriver(const cohort::Options& options);

  std::map<cohort_batch::JobId, cohort_batch::JobStatus> status(const std::vector<cohort_batch::JobId>& jobs) override;
  std::optional<cohort::Duration> remaining(const cohort_batch::JobId& job) override;

  static std::optional<cohort_batch::Allocation> allocation();
  static constexpr auto usual_jobs = cohort_batch::JobShape::one;

 private:
  void add_values(cohort_batch::TemplateValues& values, const cohort_batch::JobRequest& request) const override;
  std::vector<cohort_batch::JobId> submitted(std::string_view printed,
                                             const cohort_batch::JobRequest& request) override;
  std::string time_text(cohort::Duration walltime) const override;
};

}  // namespace cohort_lsf
