#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include <cohort/child_process.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/plugin.hpp>

namespace cohort_local {

/// The options of all managers that start workers on this host.
#define COHORT_LOCAL_OPTIONS                                                                                         \
  {"count",    cohort::OptionType::count,                                                                            \
   "\"auto\"", "number of workers; auto: one per CPU this process may use",                                          \
   nullptr,    0,                                                                                                    \
   100000},                                                                                                          \
      {"dir", cohort::OptionType::string, nullptr, "working directory of the workers (default: this process's)",     \
       nullptr},                                                                                                     \
      {"env", cohort::OptionType::env, "{}", "changes to the environment of the workers; null removes a variable",   \
       nullptr},                                                                                                     \
      {"exename", cohort::OptionType::string, nullptr, "program of the workers (default: this one)", nullptr},       \
      {"exeflags", cohort::OptionType::strings, "[]", "more arguments for the workers", nullptr},                    \
      {"threads", cohort::OptionType::integer, "1", "functions that may run at once on a worker", nullptr, 1, 4096}, \
      {"affinity", cohort::OptionType::choice, "\"none\"",                                                           \
       "core: bind each worker to CPUs of its own, one per thread, in turn", "none|core"},                           \
      {"term_grace", cohort::OptionType::duration, nullptr,                                                          \
       "time from SIGTERM to SIGKILL (default: the cluster's timeouts.term)", nullptr},                              \
  {                                                                                                                  \
    "kill_grace", cohort::OptionType::duration, nullptr,                                                             \
        "time to wait for the end after SIGKILL (default: the cluster's timeouts.kill)", nullptr                     \
  }

/// Workers on this host: processes that this one starts and ends.
class LocalManager : public cohort::ClusterManager {
 public:
  /// @param options COHORT_LOCAL_OPTIONS, and "restrict" if workers listen at addresses of hosts.
  explicit LocalManager(const cohort::Options& options);

  void launch(const cohort::LaunchParams& params, cohort::LaunchQueue& launched) override;
  void manage(cohort::Pid pid, cohort::WorkerConfig& config, cohort::ManageOp op) override;
  void kill(cohort::Pid pid, cohort::WorkerConfig& config) override;
  std::string exit_cause(cohort::Pid pid, cohort::WorkerConfig& config) override;

 private:
  using ChildId = std::uint64_t;

  cohort::SpawnOptions spawn_options(const cohort::LaunchParams& params) const;
  cohort::WorkerConfig start_worker(cohort::SpawnOptions spawn);
  std::vector<int> next_cpus();
  void terminate(cohort::ChildProcess& child);
  cohort::ChildProcess* find(const cohort::WorkerConfig& config);
  void forget(const cohort::WorkerConfig& config);

  const cohort::Options options_;
  const std::vector<int> cpus_;
  const bool bind_to_cores_;
  const bool everywhere_;  // listen at all addresses of the host
  const int threads_;

  cohort::detail::Mutex mutex_;
  std::map<ChildId, cohort::ChildProcess> children_ COHORT_GUARDED_BY(mutex_);
  ChildId next_id_ COHORT_GUARDED_BY(mutex_) = 1;
  std::size_t next_cpu_ COHORT_GUARDED_BY(mutex_) = 0;
  cohort::Duration term_grace_ COHORT_GUARDED_BY(mutex_){};  // of the last launch
  cohort::Duration kill_grace_ COHORT_GUARDED_BY(mutex_){};
};

}  // namespace cohort_local
