// The out-of-line parts of the plugin interfaces. They live in libcohort so that their vtables and type information
// exist once, whoever implements them.

#include <fmt/core.h>

#include <algorithm>

#include <cohort/cluster_manager.hpp>
#include <cohort/error.hpp>
#include <cohort/plugin.hpp>
#include <cohort/transport.hpp>

#include "base/secret.hpp"
#include "config/min_workers.hpp"

namespace cohort {
namespace {

std::string address_of(Pid pid, const WorkerConfig& config) {
  if (!config.connect_at.empty()) return config.connect_at;
  if (config.host.empty() || config.port == 0)
    throw Error(fmt::format("worker {} cannot be dialled: its manager gave neither connect_at nor host and port", pid));
  bool bare_ipv6 = config.host.find(':') != std::string::npos && config.host.front() != '[';
  return fmt::format("{}:{}", bare_ipv6 ? "[" + config.host + "]" : config.host, config.port);
}

}  // namespace

namespace detail {

const void* runtime_instance() {
  static const char instance = 0;
  return &instance;
}

}  // namespace detail

Listener::~Listener() = default;
void Listener::on_acceptable(std::function<void()>) {}

Transport::~Transport() = default;
void Transport::set_secret(std::span<const std::byte>) {}

std::array<std::byte, 32> transport_secret(std::string_view cookie) {
  return derive_key(cookie, "cohort transport encryption 1");
}

int enough_workers(const LaunchParams& params, int wanted) {
  return params.min ? std::min(wanted, MinWorkers(*params.min).of(wanted)) : wanted;
}

LaunchQueue::~LaunchQueue() = default;
void LaunchQueue::extend(Clock::time_point) {}
void LaunchQueue::expect(bool) {}
std::shared_ptr<LaunchQueue> LaunchQueue::keep_open() { throw Error("this queue ends with its launch"); }

ClusterManager::~ClusterManager() = default;

IoPair ClusterManager::connect(Pid pid, WorkerConfig& config, Transport& transport, Clock::time_point deadline) {
  std::string address = address_of(pid, config);
  IoPair connection = transport.connect(address, deadline);
  config.connect_at = std::move(address);
  return connection;
}

void ClusterManager::kill(Pid, WorkerConfig&) {}

std::string ClusterManager::exit_cause(Pid, WorkerConfig&) { return ""; }

}  // namespace cohort
