#pragma once

#include <concepts>
#include <memory>
#include <string>

#include <cohort/batch/queue_driver.hpp>
#include <cohort/cluster_manager.hpp>
#include <cohort/options.hpp>

namespace cohort::batch {

/// A cluster manager whose workers are jobs: everything that is alike for all schedulers.
class ManagerOfJobs : public cohort::ClusterManager {
 public:
  /// @param options of a table that has all of `job_options`. @param driver of the scheduler.
  ManagerOfJobs(const cohort::Options& options, std::unique_ptr<QueueDriver> driver);
  /// Cancels all jobs.
  ~ManagerOfJobs() override;

  void launch(const cohort::LaunchParams& params, cohort::LaunchQueue& launched) override;
  void manage(cohort::Pid pid, cohort::WorkerConfig& config, cohort::ManageOp op) override;
  cohort::IoPair connect(cohort::Pid pid, cohort::WorkerConfig& config, cohort::Transport& transport,
                         cohort::Clock::time_point deadline) override;
  void kill(cohort::Pid pid, cohort::WorkerConfig& config) override;
  std::string exit_cause(cohort::Pid pid, cohort::WorkerConfig& config) override;

 private:
  const std::unique_ptr<cohort::ClusterManager> manager_;
};

/// The cluster manager of a scheduler, of which the driver is all that is particular:
///
///     constexpr auto options = cohort::batch::options_with({cohort::batch::partition_option});
///     COHORT_CLUSTER_MANAGER("mine", cohort::batch::JobManager<MyDriver>, "0.1.0", options)
template <class Driver>
requires std::derived_from<Driver, QueueDriver> && std::constructible_from<Driver, const cohort::Options&>
class JobManager final : public ManagerOfJobs {
 public:
  explicit JobManager(const cohort::Options& options) : ManagerOfJobs(options, std::make_unique<Driver>(options)) {}
};

}  // namespace cohort::batch
