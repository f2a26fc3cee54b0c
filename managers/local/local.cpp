// Workers on this host: processes that this one starts and ends.

#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <cohort/child_process.hpp>
#include <cohort/plugin.hpp>

namespace {

using namespace std::chrono_literals;
using cohort::ChildProcess;
using cohort::Clock;
using cohort::LaunchParams;
using cohort::LaunchQueue;
using cohort::ManageOp;
using cohort::OptionType;
using cohort::Pid;
using cohort::WorkerConfig;

constexpr cohort::Option local_options[] = {
    {"count", OptionType::count, "\"auto\"", "number of workers; auto: one per CPU this process may use", nullptr, 0,
     100000},
    {"restrict", OptionType::boolean, "true", "listen on the loopback address only, so that no other host can connect",
     nullptr},
    {"dir", OptionType::string, nullptr, "working directory of the workers (default: this process's)", nullptr},
    {"env", OptionType::env, "{}", "changes to the environment of the workers; null removes a variable", nullptr},
    {"exename", OptionType::string, nullptr, "program of the workers (default: this one)", nullptr},
    {"exeflags", OptionType::strings, "[]", "more arguments for the workers", nullptr},
    {"threads", OptionType::integer, "1", "functions that may run at once on a worker", nullptr, 1, 4096},
    {"affinity", OptionType::choice, "\"none\"", "core: bind each worker to CPUs of its own, one per thread, in turn",
     "none|core"},
    {"term_grace", OptionType::duration, nullptr, "time from SIGTERM to SIGKILL (default: the cluster's timeouts.term)",
     nullptr},
    {"kill_grace", OptionType::duration, nullptr,
     "time to wait for the end after SIGKILL (default: the cluster's timeouts.kill)", nullptr},
};

std::vector<int> usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

class LocalManager final : public cohort::ClusterManager {
 public:
  explicit LocalManager(const cohort::Options& options)
      : options_(options),
        cpus_(usable_cpus()),
        bind_to_cores_(options.string("affinity") == "core"),
        threads_(static_cast<int>(options.integer("threads"))) {}

  void launch(const LaunchParams& params, LaunchQueue& launched) override {
    const auto count = options_.count("count").value_or(static_cast<std::int64_t>(cpus_.size()));
    const cohort::SpawnOptions spawn = spawn_options(params);
    {
      const std::lock_guard lock(mutex_);
      term_grace_ = options_.has("term_grace") ? options_.duration("term_grace") : params.term;
      kill_grace_ = options_.has("kill_grace") ? options_.duration("kill_grace") : params.kill;
    }
    for (std::int64_t i = 0; i < count && !params.stop.stop_requested(); ++i) launched.push(start_worker(spawn));
  }

  void manage(Pid, WorkerConfig& config, ManageOp op) override {
    ChildProcess* child = find(config);
    if (child == nullptr) return;
    switch (op) {
      case ManageOp::register_worker:
        break;
      case ManageOp::interrupt:
        child->signal(SIGINT);
        break;
      case ManageOp::deregister_worker:
        if (child->poll()) forget(config);
        break;
      case ManageOp::finalize:
        terminate(*child);
        forget(config);
        break;
    }
  }

  void kill(Pid, WorkerConfig& config) override {
    if (ChildProcess* child = find(config)) terminate(*child);
  }

  std::string exit_cause(Pid, WorkerConfig& config) override {
    ChildProcess* child = find(config);
    if (child == nullptr) return "";
    const auto status = child->wait_until(Clock::now() + 1s);
    return status ? status->text() : "";
  }

 private:
  using ChildId = std::uint64_t;

  cohort::SpawnOptions spawn_options(const LaunchParams& params) const {
    cohort::SpawnOptions spawn;
    spawn.command.push_back(options_.has("exename") ? options_.string("exename") : params.exename);
    std::copy(params.exeflags.begin(), params.exeflags.end(), std::back_inserter(spawn.command));
    // Without it the transport's default holds: the loopback address.
    if (!options_.boolean("restrict")) spawn.command.push_back("--bind-to=0.0.0.0");
    for (std::string& flag : options_.strings("exeflags")) spawn.command.push_back(std::move(flag));
    spawn.dir = options_.has("dir") ? options_.string("dir") : params.dir;
    spawn.env = options_.env("env");
    spawn.input = params.cookie + '\n';
    spawn.die_with_parent = true;  // the core's threads that call launch() live as long as the workers
    return spawn;
  }

  WorkerConfig start_worker(cohort::SpawnOptions spawn) {
    if (bind_to_cores_) spawn.cpus = next_cpus();
    ChildProcess child = ChildProcess::spawn(spawn);
    WorkerConfig config;
    config.io = cohort::WorkerOutput{child.take_out(), child.take_err()};
    config.exename = spawn.command.front();
    config.ospid = child.pid();
    config.threads = threads_;
    if (!options_.boolean("restrict")) config.bind_addr = "0.0.0.0";
    const std::lock_guard lock(mutex_);
    config.userdata = next_id_;
    children_.emplace(next_id_++, std::move(child));
    return config;
  }

  // As many CPUs as the worker has threads; over all launches they go round.
  std::vector<int> next_cpus() {
    const std::lock_guard lock(mutex_);
    std::vector<int> cpus;
    for (std::size_t i = 0; i < std::min(static_cast<std::size_t>(threads_), cpus_.size()); ++i)
      cpus.push_back(cpus_[next_cpu_++ % cpus_.size()]);
    return cpus;
  }

  void terminate(ChildProcess& child) {
    std::unique_lock lock(mutex_);
    const auto term = term_grace_, kill = kill_grace_;
    lock.unlock();
    child.terminate(term, kill);
  }

  // By an id of our own: workers that never joined have no Pid, and the system gives its process ids again. nullptr:
  // not ours, or forgotten. A child is used without the lock: the core makes no two calls for one worker at the same
  // time, and only these calls forget it.
  ChildProcess* find(const WorkerConfig& config) {
    const ChildId* id = std::any_cast<ChildId>(&config.userdata);
    const std::lock_guard lock(mutex_);
    const auto found = id == nullptr ? children_.end() : children_.find(*id);
    return found == children_.end() ? nullptr : &found->second;
  }

  void forget(const WorkerConfig& config) {
    decltype(children_)::node_type child;  // destroyed after the lock is released
    const std::lock_guard lock(mutex_);
    child = children_.extract(std::any_cast<ChildId>(config.userdata));
  }

  const cohort::Options options_;
  const std::vector<int> cpus_;
  const bool bind_to_cores_;
  const int threads_;

  std::mutex mutex_;  // guards what follows
  std::map<ChildId, ChildProcess> children_;
  ChildId next_id_ = 1;
  std::size_t next_cpu_ = 0;
  cohort::Duration term_grace_{}, kill_grace_{};  // of the last launch
};

}  // namespace

COHORT_CLUSTER_MANAGER("local", LocalManager, "0.1.0", local_options)
