#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <cohort/detail/mutex.hpp>
#include <cohort/plugin.hpp>

#include "launcher.hpp"
#include "machine_settings.hpp"
#include "remote_host.hpp"

namespace cohort_ssh {

/// Workers on other machines, started by ssh: one login for each machine, whose first worker starts the others there.
class SshManager final : public cohort::ClusterManager {
 public:
  explicit SshManager(const cohort::Options& options);

  void launch(const cohort::LaunchParams& params, cohort::LaunchQueue& launched) override;
  void manage(cohort::Pid pid, cohort::WorkerConfig& config, cohort::ManageOp op) override;
  cohort::IoPair connect(cohort::Pid pid, cohort::WorkerConfig& config, cohort::Transport& transport,
                         cohort::Clock::time_point deadline) override;
  void kill(cohort::Pid pid, cohort::WorkerConfig& config) override;
  std::string exit_cause(cohort::Pid pid, cohort::WorkerConfig& config) override;

 private:
  using HostId = std::uint64_t;

  cohort::WorkerConfig launch_on(const Machine& machine, const cohort::LaunchParams& params);
  std::shared_ptr<RemoteHost> find(const cohort::WorkerConfig& config);
  std::shared_ptr<RemoteHost> find_by_flags(const cohort::WorkerConfig& config);
  void terminate(RemoteHost& host);

  const cohort::Options options_;
  const MachineSettings settings_;
  Launcher launcher_;

  cohort::detail::Mutex mutex_;
  std::map<HostId, std::shared_ptr<RemoteHost>> hosts_ COHORT_GUARDED_BY(mutex_);
  HostId next_id_ COHORT_GUARDED_BY(mutex_) = 1;
  cohort::Duration term_grace_ COHORT_GUARDED_BY(mutex_){};  // of the last launch
  cohort::Duration kill_grace_ COHORT_GUARDED_BY(mutex_){};
};

}  // namespace cohort_ssh
