#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
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
      {"respawn", cohort::OptionType::boolean, "false", "start another worker in place of one that was lost",        \
       nullptr},                                                                                                     \
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
  /// How workers of one launch are started in place of those that were lost.
  struct Replacing {
    std::shared_ptr<cohort::LaunchQueue> queue;
    cohort::SpawnOptions spawn;
    std::size_t most = 0;                        // in a minute
    std::deque<cohort::Clock::time_point> when;  // the last of them; the manager's mutex guards it
  };
  struct Child {
    cohort::ChildProcess process;
    std::shared_ptr<Replacing> replacing;  // null: it is not replaced
  };

  cohort::SpawnOptions spawn_options(const cohort::LaunchParams& params) const;
  cohort::WorkerConfig start_worker(cohort::SpawnOptions spawn, const std::shared_ptr<Replacing>& replacing);
  void replace(const cohort::WorkerConfig& lost);
  std::vector<int> next_cpus();
  void terminate(cohort::ChildProcess& child);
  Child* find_child(const cohort::WorkerConfig& config);
  cohort::ChildProcess* find(const cohort::WorkerConfig& config);
  void forget(const cohort::WorkerConfig& config);

  const cohort::Options options_;
  const std::vector<int> cpus_;
  const bool bind_to_cores_;
  const bool everywhere_;  // listen at all addresses of the host
  const int threads_;
  const bool respawn_;

  cohort::detail::Mutex mutex_;
  std::map<ChildId, Child> children_ COHORT_GUARDED_BY(mutex_);
  ChildId next_id_ COHORT_GUARDED_BY(mutex_) = 1;
  std::size_t next_cpu_ COHORT_GUARDED_BY(mutex_) = 0;
  cohort::Duration term_grace_ COHORT_GUARDED_BY(mutex_){};  // of the last launch
  cohort::Duration kill_grace_ COHORT_GUARDED_BY(mutex_){};
};

}  // namespace cohort_local
