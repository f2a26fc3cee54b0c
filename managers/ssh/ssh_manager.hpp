#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <cohort/plugin.hpp>

#include "identities.hpp"
#include "login.hpp"
#include "machine_spec.hpp"
#include "program_files.hpp"
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
  struct LaunchResults;
  /// A session that others go through, made by the first that needs it.
  struct Jump {
    std::mutex making;
    std::weak_ptr<SessionThread> session;  // guarded by `making`
  };

  std::vector<Machine> machines() const;
  std::string setting(const Machine& machine, const std::string& name) const;
  bool is_tunnelled(const Machine& machine) const;
  LoginOptions login_options(const Machine& machine) const;
  std::shared_ptr<SessionThread> jump_for(const Machine& machine, const Patience& patience);
  std::shared_ptr<const ProgramFiles> files_of(const std::string& program, const std::string& transport);
  void stage_program(ssh_session session, RemoteProgram& program, const std::string& transport,
                     const Patience& patience);
  RemoteProgram program_for(const Machine& machine, const cohort::LaunchParams& params) const;
  cohort::WorkerConfig launch_on(const Machine& machine, const cohort::LaunchParams& params);
  void check_result(const LaunchResults& results) const;
  std::shared_ptr<RemoteHost> find(const cohort::WorkerConfig& config);
  void terminate(RemoteHost& host);

  const cohort::Options options_;
  Identities identities_;
  LoginLimit login_limit_;

  std::mutex collecting_;  // guards program_files_
  std::map<std::string, std::shared_ptr<const ProgramFiles>> program_files_;

  std::mutex mutex_;  // guards what follows
  std::map<HostId, std::shared_ptr<RemoteHost>> hosts_;
  HostId next_id_ = 1;
  std::map<std::string, std::shared_ptr<Jump>> jumps_;
  cohort::Duration term_grace_{}, kill_grace_{};  // of the last launch
};

}  // namespace cohort_ssh
