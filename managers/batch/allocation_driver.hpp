#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/batch/command_driver.hpp>
#include <cohort/batch/queue_driver.hpp>
#include <cohort/child_process.hpp>
#include <cohort/detail/mutex.hpp>

namespace cohort::batch {

/// Within an allocation: what would be a job is a step of it, a child of this process that starts the workers on the
/// hosts of the allocation.
class AllocationDriver : public QueueDriver {
 public:
  const Dialect& dialect() const override { return dialect_; }
  std::vector<JobId> submit(const JobRequest& request) override;
  std::map<JobId, JobStatus> status(const std::vector<JobId>& jobs) override;
  void cancel(const std::vector<JobId>& jobs) override;

 protected:
  /// @param name of the scheduler, for people.
  AllocationDriver(const std::string& name, JobId allocation);

  struct Step {
    std::vector<std::string> command;
    std::map<std::string, std::optional<std::string>> environment = {};
    std::string input = {};
  };
  virtual Step step(const JobRequest& request) const = 0;
  const JobId& allocation() const { return allocation_; }

 private:
  std::optional<Time> end_of_allocation(const JobId& job);

  const JobId allocation_;
  const Dialect dialect_;
  std::once_flag asked_;
  std::optional<Time> end_;  // of the allocation; written once, as asked_ says
  cohort::detail::Mutex mutex_;
  std::map<JobId, cohort::ChildProcess> steps_ COHORT_GUARDED_BY(mutex_);
  int next_ COHORT_GUARDED_BY(mutex_) = 1;
};

/// A step that the job script of a driver starts, without what is for the scheduler in it.
class ScriptStep final : public AllocationDriver {
 public:
  /// @param driver for jobs, whose script it is.
  ScriptStep(std::unique_ptr<CommandDriver> driver, JobId allocation);

  std::string describe(const JobRequest& request) const override;
  std::string end_of_worker(std::string_view output, int ospid) const override;
  /// Does nothing.
  void signal_worker(const JobId&, std::string_view, int, int) override {}
  std::optional<cohort::Duration> remaining(const JobId& job) override;

 private:
  Step step(const JobRequest& request) const override;

  const std::unique_ptr<CommandDriver> driver_;
};

}  // namespace cohort::batch
