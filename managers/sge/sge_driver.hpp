#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/batch/command_driver.hpp>
#include <cohort/detail/mutex.hpp>

namespace cohort_sge {

/// Grid Engine, by its commands: qsub, qstat, qacct, qdel. It forgets a job at its end: then the accounting says how it
/// ended, where a host has it.
class SgeDriver final : public cohort::batch::CommandDriver {
 public:
  explicit SgeDriver(const cohort::Options& options);

  std::map<cohort::batch::JobId, cohort::batch::JobStatus> status(
      const std::vector<cohort::batch::JobId>& jobs) override;
  std::optional<cohort::batch::Allocation> allocation() const override;

 private:
  void add_values(cohort::batch::TemplateValues& values, const cohort::batch::JobRequest& request) const override;
  std::vector<cohort::batch::JobId> submitted(std::string_view printed,
                                              const cohort::batch::JobRequest& request) override;
  std::string time_text(cohort::Duration walltime) const override;
  void add_reasons(std::map<cohort::batch::JobId, cohort::batch::JobStatus>& jobs) const;
  void add_ended(std::map<cohort::batch::JobId, cohort::batch::JobStatus>& jobs,
                 const std::vector<cohort::batch::JobId>& gone);
  void read_accounting();

  const std::optional<std::string> parallel_environment_;
  cohort::detail::Mutex mutex_;
  std::set<std::string> names_ COHORT_GUARDED_BY(mutex_);             // of jobs that were submitted here
  std::set<cohort::batch::JobId> deleted_ COHORT_GUARDED_BY(mutex_);  // somebody has, as the queue said once
  std::map<cohort::batch::JobId, cohort::batch::JobStatus> ended_
      COHORT_GUARDED_BY(mutex_);  // what the accounting said
};

}  // namespace cohort_sge
