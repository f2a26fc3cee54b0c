#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/batch/command_driver.hpp>
#include <cohort/batch/options.hpp>

/// The options of its manager: those of all whose workers are jobs, and your own.
inline constexpr auto foreman_options = cohort::batch::options_with({cohort::batch::partition_option});

/// Talks to the scheduler by its commands.
class ForemanDriver final : public cohort::batch::CommandDriver {
 public:
  explicit ForemanDriver(const cohort::Options& options);

  std::map<cohort::batch::JobId, cohort::batch::JobStatus> status(
      const std::vector<cohort::batch::JobId>& jobs) override;

 private:
  void add_values(cohort::batch::TemplateValues& values, const cohort::batch::JobRequest& request) const override;
  std::vector<cohort::batch::JobId> submitted(std::string_view printed,
                                              const cohort::batch::JobRequest& request) override;
  std::string time_text(cohort::Duration walltime) const override;
};
