#include <cohort/contract/observed_manager.hpp>

#include <algorithm>
#include <stop_token>
#include <utility>

#include <cohort/error.hpp>

namespace cohort::contract {
namespace {

const char* name_of_op(ManageOp op) {
  switch (op) {
    case ManageOp::register_worker:
      return "register";
    case ManageOp::deregister_worker:
      return "deregister";
    case ManageOp::interrupt:
      return "interrupt";
    case ManageOp::finalize:
      return "finalize";
  }
  return "unknown";
}

}  // namespace

// One call for a worker, from its begin to its end.
class ObservedManager::Call {
 public:
  Call(ObservedManager& manager, Pid pid, const WorkerConfig& config, const std::string& name)
      : manager_(manager), pid_(pid), config_(config) {
    const detail::MutexLock lock(manager_.mutex_);
    manager_.calls_[pid].push_back(name);
    const auto [running, alone] = manager_.running_.emplace(pid, name);
    if (!alone)
      manager_.problems_ += name + " of worker " + std::to_string(pid) + " began during " + running->second + '\n';
  }
  ~Call() {
    const detail::MutexLock lock(manager_.mutex_);
    manager_.running_.erase(pid_);
    manager_.configs_[pid_] = config_;
  }
  Call(const Call&) = delete;

  /// @param body calls a function that is to throw nothing.
  template <class Body>
  void without_exception(const std::string& name, Body&& body) {
    try {
      body();
    } catch (...) {
      const detail::MutexLock lock(manager_.mutex_);
      manager_.problems_ +=
          name + " of worker " + std::to_string(pid_) + " threw: " + message_of(std::current_exception()) + '\n';
      throw;
    }
  }

 private:
  ObservedManager& manager_;
  const Pid pid_;
  const WorkerConfig& config_;
};

ObservedManager::ObservedManager(std::unique_ptr<ClusterManager> inner) : inner_(std::move(inner)) {}

void ObservedManager::launch(const LaunchParams& params, LaunchQueue& launched) {
  if (!std::exchange(give_up_launch_, false)) return inner_->launch(params, launched);
  LaunchParams given_up = params;
  std::stop_source stop;
  stop.request_stop();
  given_up.stop = stop.get_token();
  inner_->launch(given_up, launched);
}

void ObservedManager::manage(Pid pid, WorkerConfig& config, ManageOp op) {
  const std::string name = name_of_op(op);
  Call call(*this, pid, config, name);
  call.without_exception(name, [&] { inner_->manage(pid, config, op); });
}

IoPair ObservedManager::connect(Pid pid, WorkerConfig& config, Transport& transport, Clock::time_point deadline) {
  const Call call(*this, pid, config, "connect");
  return inner_->connect(pid, config, transport, deadline);
}

void ObservedManager::kill(Pid pid, WorkerConfig& config) {
  Call call(*this, pid, config, "kill");
  call.without_exception("kill", [&] { inner_->kill(pid, config); });
  call.without_exception("a second kill", [&] { inner_->kill(pid, config); });
}

std::string ObservedManager::exit_cause(Pid pid, WorkerConfig& config) {
  Call call(*this, pid, config, "exit_cause");
  std::string cause;
  call.without_exception("exit_cause", [&] { cause = inner_->exit_cause(pid, config); });
  const detail::MutexLock lock(mutex_);
  return causes_[pid] = cause;
}

std::vector<std::string> ObservedManager::calls(Pid pid) const {
  const detail::MutexLock lock(mutex_);
  const auto found = calls_.find(pid);
  return found == calls_.end() ? std::vector<std::string>{} : found->second;
}

bool ObservedManager::was_called(Pid pid, const std::string& call) const {
  const auto all = calls(pid);
  return std::find(all.begin(), all.end(), call) != all.end();
}

std::set<Pid> ObservedManager::pids() const {
  const detail::MutexLock lock(mutex_);
  std::set<Pid> pids;
  for (const auto& [pid, calls] : calls_) pids.insert(pid);
  return pids;
}

std::string ObservedManager::cause(Pid pid) const {
  const detail::MutexLock lock(mutex_);
  const auto found = causes_.find(pid);
  return found == causes_.end() ? "" : found->second;
}

WorkerConfig ObservedManager::config(Pid pid) const {
  const detail::MutexLock lock(mutex_);
  return configs_.at(pid);
}

std::string ObservedManager::problems() const {
  const detail::MutexLock lock(mutex_);
  return problems_;
}

}  // namespace cohort::contract
