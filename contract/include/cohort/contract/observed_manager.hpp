#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <cohort/cluster_manager.hpp>
#include <cohort/detail/mutex.hpp>

namespace cohort::contract {

/// A cluster manager that forwards every call to another one, and records the calls. Any thread may use it.
class ObservedManager final : public ClusterManager {
 public:
  explicit ObservedManager(std::unique_ptr<ClusterManager> inner);

  void launch(const LaunchParams& params, LaunchQueue& launched) override;
  void manage(Pid pid, WorkerConfig& config, ManageOp op) override;
  IoPair connect(Pid pid, WorkerConfig& config, Transport& transport, Clock::time_point deadline) override;
  /// Calls kill() of the inner manager twice: the manager must tolerate that.
  void kill(Pid pid, WorkerConfig& config) override;
  std::string exit_cause(Pid pid, WorkerConfig& config) override;

  /// Cancels the next launch() before it begins.
  void give_up_launch() { give_up_launch_ = true; }

  ClusterManager& inner() { return *inner_; }
  /// The calls for one worker, in order: "connect", "register", "interrupt", "kill", "exit_cause", "deregister",
  /// "finalize".
  std::vector<std::string> calls(Pid pid) const;
  bool was_called(Pid pid, const std::string& call) const;
  /// The workers for which it was called.
  std::set<Pid> pids() const;
  /// The last exit_cause() of that worker.
  std::string cause(Pid pid) const;
  /// The config in the last call for that worker.
  WorkerConfig config(Pid pid) const;
  /// Calls that overlapped, and exceptions where none is allowed, one on each line.
  std::string problems() const;

 private:
  class Call;

  const std::unique_ptr<ClusterManager> inner_;
  bool give_up_launch_ = false;  // set before a launch, read by it

  mutable detail::Mutex mutex_;
  std::map<Pid, std::vector<std::string>> calls_ COHORT_GUARDED_BY(mutex_);
  std::map<Pid, WorkerConfig> configs_ COHORT_GUARDED_BY(mutex_);
  std::map<Pid, std::string> causes_ COHORT_GUARDED_BY(mutex_);
  std::map<Pid, std::string> running_ COHORT_GUARDED_BY(mutex_);
  std::string problems_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort::contract
