#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <cohort/cluster_manager.hpp>
#include <cohort/detail/mutex.hpp>

#include "batch_options.hpp"
#include "door.hpp"
#include "guard.hpp"
#include "job_watch.hpp"
#include "queue_driver.hpp"

namespace cohort_batch {

/// Starts workers as jobs of a scheduler. Each launch opens a door, submits one job of all its workers, and waits until
/// they have dialled in: first while the job waits in the queue, then while it starts. The workers of a job come by a
/// door of its own, so that it is known of each worker to which job it belongs.
class BatchManager : public cohort::ClusterManager {
 public:
  /// @param driver of the scheduler.
  BatchManager(const BatchOptions& options, std::unique_ptr<QueueDriver> driver);
  /// Cancels all jobs.
  ~BatchManager() override;

  void launch(const cohort::LaunchParams& params, cohort::LaunchQueue& launched) override;
  void manage(cohort::Pid pid, cohort::WorkerConfig& config, cohort::ManageOp op) override;
  void kill(cohort::Pid pid, cohort::WorkerConfig& config) override;
  std::string exit_cause(cohort::Pid pid, cohort::WorkerConfig& config) override;

 private:
  using JobNumber = std::uint64_t;  // in the order of the launches
  struct Job;

  std::shared_ptr<Job> make_job(const cohort::LaunchParams& params);
  JobRequest request(const Job& job, const cohort::LaunchParams& params) const;
  std::string listen_at(const cohort::LaunchParams& params) const;
  void be_guarded();
  void submit(Job& job, const JobRequest& request);
  std::shared_ptr<Job> find(const cohort::WorkerConfig& config);
  void signal(Job& job, const cohort::WorkerConfig& config, int number);
  void end(const std::vector<std::shared_ptr<Job>>& jobs) noexcept;
  void end_if_over(const std::shared_ptr<Job>& job);
  void forget(const std::shared_ptr<Job>& job);

  const BatchOptions options_;
  const std::unique_ptr<QueueDriver> driver_;
  const std::string name_;                 // of the jobs; no other cluster's have it
  const std::filesystem::path directory_;  // of the files; made with the first launch, removed at the end
  JobWatch watch_;

  cohort::detail::Mutex mutex_;
  std::map<JobNumber, std::shared_ptr<Job>> jobs_ COHORT_GUARDED_BY(mutex_);
  JobNumber next_ COHORT_GUARDED_BY(mutex_) = 1;
  std::unique_ptr<Guard> guard_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort_batch
