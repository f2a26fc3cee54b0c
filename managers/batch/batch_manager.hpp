#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <cohort/batch/queue_driver.hpp>
#include <cohort/cluster_manager.hpp>
#include <cohort/detail/mutex.hpp>

#include "batch_job.hpp"
#include "batch_options.hpp"
#include "cluster_record.hpp"
#include "door.hpp"
#include "guard.hpp"
#include "job_keeper.hpp"
#include "job_watch.hpp"
#include "journal.hpp"

namespace cohort::batch {

/// Starts workers as jobs of a scheduler. Each launch opens a door, submits its jobs, and waits until enough workers
/// have dialled in: first while the jobs wait in the queue, then while they start. Each worker joins by a one-time
/// token, so that it is known to which job it belongs.
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
  using Jobs = std::vector<std::shared_ptr<BatchJob>>;

  /// @param submission of the launch, from 1. @return its jobs, which are in jobs_, too.
  Jobs make_jobs(const std::string& submission, const std::shared_ptr<Door>& door, int jobs, int workers,
                 const std::shared_ptr<const cohort::LaunchParams>& params);
  JobRequest request(const std::string& submission, const Jobs& jobs) const;
  void submit(const std::string& submission, const Jobs& jobs);
  Jobs copy(const std::shared_ptr<BatchJob>& job, int number);
  void renew(const std::shared_ptr<BatchJob>& job);
  std::string new_submission();
  std::string write_join_file(const std::shared_ptr<BatchJob>& job);
  std::string listen_at(const cohort::LaunchParams& params) const;
  void be_guarded();
  static std::shared_ptr<BatchJob> job_of(const cohort::WorkerConfig& config);
  void signal(const BatchJob& job, const cohort::WorkerConfig& config, int number);
  void end(const Jobs& jobs) noexcept;
  void end_by_name() noexcept;
  void may_be_left(const std::exception& error);
  void forget(const Jobs& jobs);

  const BatchOptions options_;
  const std::unique_ptr<QueueDriver> driver_;
  const std::string name_;                 // of the jobs; no other cluster's have it
  const std::filesystem::path directory_;  // of the files; made with the first launch, removed at the end
  JobWatch watch_;
  Journal journal_;

  cohort::detail::Mutex mutex_;
  std::set<std::shared_ptr<BatchJob>> jobs_ COHORT_GUARDED_BY(mutex_);
  int launches_ COHORT_GUARDED_BY(mutex_) = 0;
  bool is_in_doubt_ COHORT_GUARDED_BY(mutex_) = false;      // there may be jobs whose ids nobody knows
  std::unique_ptr<Guard> guard_ COHORT_GUARDED_BY(mutex_);  // longer than the record
  std::optional<HeldRecord> record_ COHORT_GUARDED_BY(mutex_);

  std::unique_ptr<JobKeeper> keeper_;  // last: its thread uses all of the above; made and ended with this object
};

}  // namespace cohort::batch
