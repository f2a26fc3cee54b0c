#pragma once

#include <map>
#include <memory>
#include <string>

#include <cohort/cluster_manager.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/options.hpp>

#include "identities.hpp"
#include "login.hpp"
#include "machine_settings.hpp"
#include "machine_spec.hpp"
#include "program_files.hpp"
#include "remote_host.hpp"

namespace cohort_ssh {

/// Starts the first worker of a machine, from the login to the announcement of its address. Any thread may use it, for
/// several machines at once; they share keys, jump hosts, and the files of the program.
class Launcher {
 public:
  explicit Launcher(const cohort::Options& options);

  /// @throws ConfigError for settings of a machine that make no sense.
  void check(const Machine& machine) const;

  struct Launched {
    std::shared_ptr<RemoteHost> host;
    cohort::WorkerConfig config;  ///< all but userdata and sshflags
  };
  /// @throws LaunchFailure; then nothing of the launch is left.
  Launched launch(const Machine& machine, const cohort::LaunchParams& params);

  /// Reads the files of programs again: they may have been rebuilt.
  void forget_program_files();

 private:
  /// A session to a jump host, made by the first login that needs it.
  struct Jump {
    cohort::detail::Mutex making;
    std::weak_ptr<SessionThread> session COHORT_GUARDED_BY(making);
  };

  std::shared_ptr<SessionThread> jump_for(const Machine& machine, const Patience& patience);
  RemoteProgram program_for(const Machine& machine, const cohort::LaunchParams& params) const;
  void stage_program(ssh_session session, RemoteProgram& program, const std::string& transport,
                     const Patience& patience);
  cohort::WorkerConfig config_of(const Machine& machine, const RemoteProgram& program, RemoteWorker& worker) const;

  const cohort::Options options_;
  const MachineSettings settings_;
  Identities identities_;
  LoginLimit login_limit_;

  cohort::detail::Mutex jumps_mutex_;
  std::map<std::string, std::shared_ptr<Jump>> jumps_ COHORT_GUARDED_BY(jumps_mutex_);

  cohort::detail::Mutex collecting_;
  std::map<std::string, std::shared_ptr<const ProgramFiles>> program_files_ COHORT_GUARDED_BY(collecting_);
};

}  // namespace cohort_ssh
