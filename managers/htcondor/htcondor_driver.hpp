#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/batch/command_driver.hpp>

namespace cohort_htcondor {

/// HTCondor, by its commands: condor_submit, condor_q, condor_history, condor_rm. A job is one process, and several are
/// a cluster. HTCondor itself hands the join file to the worker, so no host needs to see `files`.
class HtcondorDriver final : public cohort::batch::CommandDriver {
 public:
  explicit HtcondorDriver(const cohort::Options& options);

  std::map<cohort::batch::JobId, cohort::batch::JobStatus> status(
      const std::vector<cohort::batch::JobId>& jobs) override;

 private:
  void add_values(cohort::batch::TemplateValues& values, const cohort::batch::JobRequest& request) const override;
  std::vector<cohort::batch::JobId> submitted(std::string_view printed,
                                              const cohort::batch::JobRequest& request) override;
  std::string time_text(cohort::Duration walltime) const override;
};

}  // namespace cohort_htcondor
