#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/batch/command_driver.hpp>

namespace cohort_lsf {

/// LSF, by its commands: bsub, bjobs, bkill.
class LsfDriver final : public cohort::batch::CommandDriver {
 public:
  explicit LsfDriver(const cohort::Options& options);

  std::map<cohort::batch::JobId, cohort::batch::JobStatus> status(
      const std::vector<cohort::batch::JobId>& jobs) override;
  std::optional<cohort::Duration> remaining(const cohort::batch::JobId& job) override;
  std::optional<cohort::batch::Allocation> allocation() const override;

 private:
  void add_values(cohort::batch::TemplateValues& values, const cohort::batch::JobRequest& request) const override;
  std::vector<cohort::batch::JobId> submitted(std::string_view printed,
                                              const cohort::batch::JobRequest& request) override;
  std::string time_text(cohort::Duration walltime) const override;
};

}  // namespace cohort_lsf
