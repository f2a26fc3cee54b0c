#pragma once

#include <memory>
#include <string>
#include <vector>

#include <cohort/detail/mutex.hpp>

#include "node/addprocs_call.hpp"

namespace cohort {

/// Takes the workers that come by themselves after launch() returned. Those that come while others are set up follow
/// together. Kept by the manager, which it does not keep, and by the master, which closes it when it ends.
class OpenLaunchQueue final : public LaunchQueue, public std::enable_shared_from_this<OpenLaunchQueue> {
 public:
  OpenLaunchQueue(Master& master, const std::shared_ptr<ClusterManager>& manager, std::string manager_name,
                  LaunchParams params, WorkerNames names);

  // LaunchQueue; any thread.
  void push(WorkerConfig config) override;
  void fail(std::string what, int workers) override;
  std::shared_ptr<LaunchQueue> keep_open() override { return shared_from_this(); }

  std::shared_ptr<ClusterManager> manager() const { return manager_.lock(); }
  /// Workers that come later are dropped.
  void close();

 private:
  void add_waiting();

  const std::weak_ptr<ClusterManager> manager_;
  const std::string manager_name_;
  const LaunchParams params_;
  const WorkerNames names_;

  detail::Mutex mutex_;
  Master* master_ COHORT_GUARDED_BY(mutex_);  // null: closed
  std::vector<WorkerConfig> waiting_ COHORT_GUARDED_BY(mutex_);
  bool adding_ COHORT_GUARDED_BY(mutex_) = false;
};

}  // namespace cohort
