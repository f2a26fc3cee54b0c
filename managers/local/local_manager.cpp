#include "local_manager.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <utility>

#include <cohort/cpus.hpp>
#include <cohort/error.hpp>
#include <cohort/file_access.hpp>

namespace cohort_local {
namespace {

constexpr std::int64_t descriptors_of_worker = 5;  // in this process: two pipes, the process, its connection, a timer
constexpr std::int64_t tasks_of_worker = 4;        // an idle one's threads
constexpr std::int64_t replaced_at_least = 10, replaced_of_each = 3;  // in a minute, of lost workers
constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();

struct Limit {
  std::int64_t value = unlimited;
  std::int64_t used = 0;
  std::string name;
};

// "max" is no number, as is a file that is not there.
std::int64_t number_in(const std::string& file, std::int64_t otherwise) {
  std::int64_t number = 0;
  return std::ifstream(file) >> number ? number : otherwise;
}

std::int64_t soft_limit(int resource) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return unlimited;
  return static_cast<std::int64_t>(limit.rlim_cur);
}

Limit of_descriptors() {
  std::error_code none;
  const std::filesystem::directory_iterator open("/proc/self/fd", none);
  return {soft_limit(RLIMIT_NOFILE), std::distance(begin(open), end(open)), "ulimit -n"};
}

Limit of_processes() {
  const Limit limits[] = {
      {::geteuid() == 0 ? unlimited : soft_limit(RLIMIT_NPROC), 0, "ulimit -u"},
      {number_in("/sys/fs/cgroup/pids.max", unlimited), number_in("/sys/fs/cgroup/pids.current", 0), "pids.max"},
      {number_in("/sys/fs/cgroup/pids/pids.max", unlimited), number_in("/sys/fs/cgroup/pids/pids.current", 0),
       "pids.max"},
      {number_in("/proc/sys/kernel/threads-max", unlimited), 0, "kernel.threads-max"},
      {number_in("/proc/sys/kernel/pid_max", unlimited), 0, "kernel.pid_max"},
  };
  return *std::ranges::min_element(limits, {}, [](const Limit& limit) { return limit.value - limit.used; });
}

void check(std::int64_t workers, const Limit& limit, std::int64_t each, const std::string& things,
           const std::string& where) {
  const std::int64_t fit = std::max<std::int64_t>(0, (limit.value - limit.used) / each);
  if (workers <= fit) return;
  throw cohort::LaunchError(std::to_string(workers) + " local workers need some " + std::to_string(workers * each) +
                            ' ' + things + ' ' + where + "; there may be " + std::to_string(limit.value) + " (" +
                            limit.name + "), of which " + std::to_string(limit.used) + " are used. " +
                            (fit > 0 ? "Launch at most " + std::to_string(fit) + ", or raise" : "Raise") +
                            " the limit");
}

/// Checks whether this host can have so many workers, by the limits of descriptors and of processes. Otherwise the
/// launch would fail only after minutes, with the host full of workers.
/// @throws cohort::LaunchError with the limit, and with the possible number of workers.
void check_limits(std::int64_t workers) {
  check(workers, of_descriptors(), descriptors_of_worker, "descriptors", "in this process");
  check(workers, of_processes(), tasks_of_worker, "processes and threads", "here");
}

using namespace std::chrono_literals;
using cohort::ChildProcess;
using cohort::Clock;
using cohort::LaunchParams;
using cohort::LaunchQueue;
using cohort::ManageOp;
using cohort::Pid;
using cohort::WorkerConfig;

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

}  // namespace

LocalManager::LocalManager(const cohort::Options& options)
    : options_(options),
      cpus_(usable_cpus()),
      bind_to_cores_(options.string("affinity") == "core"),
      everywhere_(options.has("restrict") && !options.boolean("restrict")),
      threads_(static_cast<int>(options.integer("threads"))),
      respawn_(options.boolean("respawn")) {}

void LocalManager::launch(const LaunchParams& params, LaunchQueue& launched) {
  const auto count = options_.count("count").value_or(cohort::usable_cpus());
  check_limits(count);
  const cohort::SpawnOptions spawn = spawn_options(params);
  {
    const cohort::detail::MutexLock lock(mutex_);
    term_grace_ = options_.has("term_grace") ? options_.duration("term_grace") : params.term;
    kill_grace_ = options_.has("kill_grace") ? options_.duration("kill_grace") : params.kill;
  }
  std::shared_ptr<Replacing> replacing;
  if (respawn_) {
    replacing = std::make_shared<Replacing>();
    replacing->queue = launched.keep_open();
    replacing->spawn = spawn;
    replacing->most = static_cast<std::size_t>(replaced_at_least + replaced_of_each * count);
  }
  std::int64_t started = 0;
  for (; started < count && !params.stop.stop_requested(); ++started) launched.push(start_worker(spawn, replacing));
  if (started == count) return;
  launched.fail("the launch was stopped when " + std::to_string(started) + " of " + std::to_string(count) +
                    " workers were started; timeouts.launch says how long it may take",
                static_cast<int>(count - started));
}

void LocalManager::manage(Pid, WorkerConfig& config, ManageOp op) {
  ChildProcess* child = find(config);
  if (child == nullptr) return;
  switch (op) {
    case ManageOp::register_worker:
      break;
    case ManageOp::interrupt:
      child->signal(SIGINT);
      break;
    case ManageOp::deregister_worker:
      if (!config.leaving) replace(config);
      if (child->poll()) forget(config);
      break;
    case ManageOp::finalize:
      terminate(*child);
      forget(config);
      break;
  }
}

void LocalManager::kill(Pid, WorkerConfig& config) {
  if (ChildProcess* child = find(config)) terminate(*child);
}

std::string LocalManager::exit_cause(Pid, WorkerConfig& config) {
  ChildProcess* child = find(config);
  if (child == nullptr) return "";
  const auto status = child->wait_until(Clock::now() + 1s);
  return status ? status->text() : "";
}

cohort::SpawnOptions LocalManager::spawn_options(const LaunchParams& params) const {
  cohort::SpawnOptions spawn;
  spawn.command.push_back(options_.has("exename") ? cohort::expand_home(options_.string("exename")) : params.exename);
  std::copy(params.exeflags.begin(), params.exeflags.end(), std::back_inserter(spawn.command));
  // Without it the transport's default holds: the loopback address.
  if (everywhere_) spawn.command.push_back("--bind-to=0.0.0.0");
  for (std::string& flag : options_.strings("exeflags")) spawn.command.push_back(std::move(flag));
  spawn.dir = options_.has("dir") ? cohort::expand_home(options_.string("dir")) : params.dir;
  spawn.env = options_.env("env");
  spawn.input = params.cookie + '\n';
  spawn.die_with_parent = true;  // the core's threads that call launch() live as long as the workers
  spawn.end_with_children = true;
  return spawn;
}

// One that takes workers with it again and again must not keep the host busy for ever.
void LocalManager::replace(const WorkerConfig& lost) {
  const std::shared_ptr<Replacing> replacing = find_child(lost)->replacing;
  if (replacing == nullptr) return;
  {
    const cohort::detail::MutexLock lock(mutex_);
    auto& when = replacing->when;
    const auto now = Clock::now();
    while (!when.empty() && now - when.front() > 1min) when.pop_front();
    if (when.size() >= replacing->most)
      throw cohort::Error(std::to_string(when.size()) +
                          " local workers were lost and replaced within a minute: this one is not");
    when.push_back(now);
  }
  WorkerConfig config = start_worker(replacing->spawn, replacing);
  config.ident = lost.ident;
  config.connect_idents = lost.connect_idents;
  replacing->queue->push(std::move(config));
}

WorkerConfig LocalManager::start_worker(cohort::SpawnOptions spawn, const std::shared_ptr<Replacing>& replacing) {
  if (bind_to_cores_) spawn.cpus = next_cpus();
  ChildProcess child = ChildProcess::spawn(spawn);
  WorkerConfig config;
  config.io = cohort::WorkerOutput{child.take_out(), child.take_err()};
  config.exename = spawn.command.front();
  config.ospid = child.pid();
  config.threads = threads_;
  if (everywhere_) config.bind_addr = "0.0.0.0";
  const cohort::detail::MutexLock lock(mutex_);
  config.userdata = next_id_;
  children_.emplace(next_id_++, Child{std::move(child), replacing});
  return config;
}

// As many CPUs as the worker has threads; over all launches they go round.
std::vector<int> LocalManager::next_cpus() {
  const cohort::detail::MutexLock lock(mutex_);
  std::vector<int> cpus;
  for (std::size_t i = 0; i < std::min(static_cast<std::size_t>(threads_), cpus_.size()); ++i)
    cpus.push_back(cpus_[next_cpu_++ % cpus_.size()]);
  return cpus;
}

void LocalManager::terminate(ChildProcess& child) {
  cohort::detail::MutexLock lock(mutex_);
  const auto term = term_grace_, kill = kill_grace_;
  lock.unlock();
  child.terminate(term, kill);
}

// By an id of our own: workers that never joined have no Pid, and the system gives its process ids again. nullptr:
// not ours, or forgotten. A child is used without the lock: the core makes no two calls for one worker at the same
// time, and only these calls forget it.
LocalManager::Child* LocalManager::find_child(const WorkerConfig& config) {
  const ChildId* id = std::any_cast<ChildId>(&config.userdata);
  const cohort::detail::MutexLock lock(mutex_);
  const auto found = id == nullptr ? children_.end() : children_.find(*id);
  return found == children_.end() ? nullptr : &found->second;
}

ChildProcess* LocalManager::find(const WorkerConfig& config) {
  Child* child = find_child(config);
  return child == nullptr ? nullptr : &child->process;
}

void LocalManager::forget(const WorkerConfig& config) {
  decltype(children_)::node_type child;  // destroyed after the lock is released
  const cohort::detail::MutexLock lock(mutex_);
  child = children_.extract(std::any_cast<ChildId>(config.userdata));
}

}  // namespace cohort_local
