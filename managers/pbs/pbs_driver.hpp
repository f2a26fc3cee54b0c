#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/batch/command_driver.hpp>
#include <cohort/detail/mutex.hpp>

namespace cohort_pbs {

/// OpenPBS, PBS Professional and Torque, by their commands: qsub, qstat, qdel. Where they differ, qsub says by its
/// version which one it is.
class PbsDriver final : public cohort::batch::CommandDriver {
 public:
  explicit PbsDriver(const cohort::Options& options);

  std::map<cohort::batch::JobId, cohort::batch::JobStatus> status(
      const std::vector<cohort::batch::JobId>& jobs) override;
  std::optional<cohort::batch::Allocation> allocation() const override;

 private:
  void add_values(cohort::batch::TemplateValues& values, const cohort::batch::JobRequest& request) const override;
  std::vector<std::string> submit_words(const cohort::batch::JobRequest& request) const override;
  std::vector<cohort::batch::JobId> submitted(std::string_view printed,
                                              const cohort::batch::JobRequest& request) override;
  std::string time_text(cohort::Duration walltime) const override;
  bool is_torque() const;

  mutable cohort::detail::Mutex mutex_;
  mutable std::optional<bool> is_torque_ COHORT_GUARDED_BY(mutex_);  // asked for once
};

}  // namespace cohort_pbs
