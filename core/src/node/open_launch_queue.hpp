#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <cohort/detail/mutex.hpp>

#include "node/addprocs_call.hpp"

namespace cohort {

/// Accepts workers that join by themselves after launch() has returned. Workers that arrive while others are set up are
/// added together afterwards. The manager owns it (it does not own the manager), and so does the master, which closes
/// it at its end.
class OpenLaunchQueue final : public LaunchQueue, public std::enable_shared_from_this<OpenLaunchQueue> {
 public:
  OpenLaunchQueue(Master& master, const std::shared_ptr<ClusterManager>& manager, std::string manager_name,
                  LaunchParams params, WorkerNames names);

  // LaunchQueue; any thread.
  void push(WorkerConfig config) override;
  void fail(std::string what, int workers) override;
  std::shared_ptr<LaunchQueue> keep_open() override { return shared_from_this(); }
  void expect(bool more) override;
  bool expects() const { return expects_.load(); }

  std::shared_ptr<ClusterManager> manager() const { return manager_.lock(); }
  /// Closes the queue: workers that arrive later are dropped.
  void close();

 private:
  void add_waiting();

  const std::weak_ptr<ClusterManager> manager_;
  const std::string manager_name_;
  const LaunchParams params_;
  const WorkerNames names_;

  std::atomic<bool> expects_{false};
  detail::Mutex mutex_;
  Master* master_ COHORT_GUARDED_BY(mutex_);  // null: closed
  std::vector<WorkerConfig> waiting_ COHORT_GUARDED_BY(mutex_);
  bool adding_ COHORT_GUARDED_BY(mutex_) = false;
};

}  // namespace cohort
