#include "ssh_manager.hpp"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <utility>

namespace cohort_ssh {

using namespace std::chrono_literals;
using cohort::Clock;
using cohort::IoPair;
using cohort::LaunchParams;
using cohort::ManageOp;
using cohort::Pid;
using cohort::WorkerConfig;

namespace {

constexpr std::size_t most_launches = 64;  // machines at once, whatever the servers bear
// Additional workers get no userdata, but these flags of the first one: by them the session is found again.
constexpr const char* session_flag = "session=";

}  // namespace

SshManager::SshManager(const cohort::Options& options) : options_(options), settings_(options), launcher_(options) {
  for (const Machine& machine : settings_.machines()) launcher_.check(machine);
}

void SshManager::launch(const LaunchParams& params, cohort::LaunchQueue& launched) {
  {
    const cohort::detail::MutexLock lock(mutex_);
    term_grace_ = params.term;
    kill_grace_ = params.kill;
  }
  launcher_.forget_program_files();
  const std::vector<Machine> all = settings_.machines();
  std::atomic<std::size_t> next{0};
  const auto launch_some = [&] {
    for (std::size_t i; (i = next++) < all.size();) {
      try {
        launched.push(launch_on(all[i], params));
      } catch (const std::exception& error) {
        launched.fail(all[i].text() + ": " + error.what(), all[i].count);
      }
    }
  };
  std::vector<std::jthread> threads;
  try {
    for (std::size_t i = 1; i < std::min(all.size(), most_launches); ++i) threads.emplace_back(launch_some);
  } catch (const std::system_error&) {
    // The machine allows no more threads: fewer hosts at a time.
  }
  launch_some();
}

WorkerConfig SshManager::launch_on(const Machine& machine, const LaunchParams& params) {
  auto [host, config] = launcher_.launch(machine, params);
  const cohort::detail::MutexLock lock(mutex_);
  config.userdata = next_id_;
  config.sshflags = {session_flag + std::to_string(next_id_)};
  hosts_.emplace(next_id_++, std::move(host));
  return config;
}

IoPair SshManager::connect(Pid pid, WorkerConfig& config, cohort::Transport& transport, Clock::time_point deadline) {
  if (!config.tunnel) {
    try {
      return ClusterManager::connect(pid, config, transport, deadline);
    } catch (const cohort::Error& error) {
      throw cohort::Error(
          std::string(error.what()) + ". With tunnel=true (transport tcp) no port but that of ssh is needed.",
          error.kind());
    }
  }
  const auto host = find_by_flags(config);
  if (host == nullptr) throw cohort::Error("the ssh session to " + config.host + " is over");
  auto socket = open_tunnel(host->session(), config.host, config.port, deadline);
  const bool is_v6 = config.host.find(':') != std::string::npos;
  config.connect_at = (is_v6 ? '[' + config.host + ']' : config.host) + ':' + std::to_string(config.port);
  return cohort::make_socket_pair(socket.release());
}

void SshManager::manage(Pid, WorkerConfig& config, ManageOp op) {
  const auto host = find(config);
  if (host == nullptr && op == ManageOp::interrupt && config.ospid > 1) {
    if (const auto first = find_by_flags(config)) first->signal(config.ospid, "INT");
  }
  if (host == nullptr) return;
  switch (op) {
    case ManageOp::register_worker:
    case ManageOp::deregister_worker:
      break;
    case ManageOp::interrupt:
      host->signal("INT");
      break;
    case ManageOp::finalize: {
      terminate(*host);
      const cohort::detail::MutexLock lock(mutex_);
      hosts_.erase(std::any_cast<HostId>(config.userdata));
      break;  // the session ends after the lock is released, with `host`
    }
  }
}

void SshManager::kill(Pid, WorkerConfig& config) {
  if (const auto host = find(config)) terminate(*host);
}

std::string SshManager::exit_cause(Pid, WorkerConfig& config) {
  const auto host = find(config);
  if (host == nullptr) return "";
  const auto end = host->worker()->wait_until(Clock::now() + 1s);
  return end ? end->text() : "";
}

void SshManager::terminate(RemoteHost& host) {
  cohort::detail::MutexLock lock(mutex_);
  const auto term = term_grace_, kill = kill_grace_;
  lock.unlock();
  host.terminate(term, kill);
}

// The machine of an additional worker, too.
std::shared_ptr<RemoteHost> SshManager::find_by_flags(const WorkerConfig& config) {
  const cohort::detail::MutexLock lock(mutex_);
  for (const auto& [id, host] : hosts_)
    if (config.sshflags == std::vector{session_flag + std::to_string(id)}) return host;
  return nullptr;
}

// nullptr: an additional worker of a machine, a stranger, or forgotten.
std::shared_ptr<RemoteHost> SshManager::find(const WorkerConfig& config) {
  const HostId* id = std::any_cast<HostId>(&config.userdata);
  const cohort::detail::MutexLock lock(mutex_);
  const auto found = id == nullptr ? hosts_.end() : hosts_.find(*id);
  return found == hosts_.end() ? nullptr : found->second;
}

}  // namespace cohort_ssh
