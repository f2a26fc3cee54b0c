// The manager elastic, with somebody who starts its workers: processes on this host, by `cohort worker --join`.

#include <signal.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>

#include <cohort/child_process.hpp>
#include <cohort/plugin.hpp>

#include "test_programs.hpp"

namespace {

using namespace std::chrono_literals;
using cohort::ChildProcess;
using cohort::WorkerConfig;

constexpr cohort::Option options[] = {
    {"count", cohort::OptionType::integer, "1", "number of workers", nullptr, 0},
};

// The manager has the queue kept open once its join file is there.
class AnnouncedQueue final : public cohort::LaunchQueue {
 public:
  AnnouncedQueue(cohort::LaunchQueue& queue, std::function<void()> open) : queue_(queue), open_(std::move(open)) {}
  void push(WorkerConfig config) override { queue_.push(std::move(config)); }
  void fail(std::string what, int workers) override { queue_.fail(std::move(what), workers); }
  std::shared_ptr<cohort::LaunchQueue> keep_open() override {
    open_();
    return queue_.keep_open();
  }

 private:
  cohort::LaunchQueue& queue_;
  const std::function<void()> open_;
};

std::filesystem::path new_join_file() {
  static std::atomic<int> number{0};
  return std::filesystem::temp_directory_path() /
         ("cohort-staffed." + std::to_string(::getpid()) + '.' + std::to_string(number++));
}

class Staffed final : public cohort::ClusterManager {
 public:
  explicit Staffed(const cohort::Options& given)
      : count_(given.integer("count")),
        file_(new_join_file()),
        elastic_(cohort::load_manager(
            "elastic", R"({"file": ")" + file_.string() + R"(", "count": )" + std::to_string(count_) + '}')) {}

  void launch(const cohort::LaunchParams& params, cohort::LaunchQueue& launched) override {
    std::stop_source stop;
    const std::stop_callback given_up(params.stop, [&] { stop.request_stop(); });
    cohort::LaunchParams ours = params;
    ours.stop = stop.get_token();
    std::vector<int> started;
    const auto start_all = [&] {
      const std::lock_guard lock(mutex_);
      for (std::int64_t i = 0; i < count_ && !params.stop.stop_requested(); i++) started.push_back(start());
    };
    AnnouncedQueue queue(launched, start_all);
    const std::jthread watch([&](std::stop_token over) {  // one that ends without having joined never will
      while (!over.stop_requested()) {
        if (one_has_ended(started)) stop.request_stop();
      }
    });
    try {
      elastic_->launch(ours, queue);
    } catch (...) {
      for (const int pid : started) end(pid, 0s);
      throw;
    }
  }

  void manage(cohort::Pid pid, WorkerConfig& config, cohort::ManageOp op) override {
    elastic_->manage(pid, config, op);
    if (op == cohort::ManageOp::finalize) end(config.ospid, 5s);
    const std::lock_guard lock(mutex_);
    const auto child = children_.find(config.ospid);
    if (op == cohort::ManageOp::interrupt && child != children_.end()) child->second.signal(SIGINT);
  }

  cohort::IoPair connect(cohort::Pid pid, WorkerConfig& config, cohort::Transport& transport,
                         cohort::Clock::time_point deadline) override {
    return elastic_->connect(pid, config, transport, deadline);
  }

  void kill(cohort::Pid pid, WorkerConfig& config) override {
    elastic_->kill(pid, config);
    end(config.ospid, 200ms);
  }

  std::string exit_cause(cohort::Pid, WorkerConfig& config) override {
    const std::lock_guard lock(mutex_);
    const auto child = children_.find(config.ospid);
    const auto status = child == children_.end() ? std::nullopt : child->second.wait_until(cohort::deadline_after(1s));
    return status ? status->text() : "";
  }

 private:
  // With `mutex_` held.
  int start() {
    cohort::SpawnOptions spawn;
    spawn.command = {COHORT_TOOL, "worker", "--join", file_.string()};
    spawn.capture = false;
    auto child = ChildProcess::spawn(spawn);
    const int pid = child.pid();
    children_.emplace(pid, std::move(child));
    return pid;
  }

  bool one_has_ended(const std::vector<int>& pids) {
    const std::lock_guard lock(mutex_);
    for (const int pid : pids) {
      const auto child = children_.find(pid);
      if (child != children_.end() && child->second.wait_until(cohort::deadline_after(10ms))) return true;
    }
    return false;
  }

  void end(int pid, cohort::Duration grace) {
    const std::lock_guard lock(mutex_);
    const auto child = children_.find(pid);
    if (child == children_.end()) return;
    if (!child->second.wait_until(cohort::deadline_after(grace))) child->second.terminate(grace, 5s);
    children_.erase(child);
  }

  const std::int64_t count_;
  const std::filesystem::path file_;
  const std::unique_ptr<cohort::ClusterManager> elastic_;

  std::mutex mutex_;                      // guards what follows
  std::map<int, ChildProcess> children_;  // by their process ids
};

}  // namespace

COHORT_CLUSTER_MANAGER("staffed", Staffed, "0.1.0", options)
