#pragma once

#include <any>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <cohort/cluster_manager.hpp>
#include <cohort/detail/mutex.hpp>

namespace cohort::batch {

/// Passes workers of a launch on together, in the order of their ranks, which says who has which id. Their userdata is
/// their rank, from 1. Any thread.
class InOrder final : public cohort::LaunchQueue {
 public:
  explicit InOrder(cohort::LaunchQueue& queue) : queue_(queue) {}

  void push(cohort::WorkerConfig config) override {
    const cohort::detail::MutexLock lock(mutex_);
    const int rank = std::any_cast<int>(config.userdata);
    come_.emplace(rank, std::move(config));
  }
  void fail(std::string what, int workers) override { queue_.fail(std::move(what), workers); }
  std::shared_ptr<cohort::LaunchQueue> keep_open() override { return queue_.keep_open(); }
  void extend(cohort::Clock::time_point deadline) override { queue_.extend(deadline); }

  /// Which of the ranks from 1 to size - 1 have not come.
  std::vector<int> absent(int size) {
    const cohort::detail::MutexLock lock(mutex_);
    std::vector<int> ranks;
    for (int rank = 1; rank < size; ++rank)
      if (!come_.contains(rank)) ranks.push_back(rank);
    return ranks;
  }
  /// Those that have come.
  void pass_on() {
    const cohort::detail::MutexLock lock(mutex_);
    for (auto& [rank, worker] : std::exchange(come_, {})) queue_.push(std::move(worker));
  }

 private:
  cohort::LaunchQueue& queue_;
  cohort::detail::Mutex mutex_;
  std::map<int, cohort::WorkerConfig> come_ COHORT_GUARDED_BY(mutex_);
};

/// "rank 3", "ranks 1, 2, 5 and 90 more".
inline std::string list_of(const std::vector<int>& ranks) {
  constexpr std::size_t most = 8;
  std::string list = ranks.size() == 1 ? "rank " : "ranks ";
  for (std::size_t i = 0; i < ranks.size() && i < most; ++i) list += (i == 0 ? "" : ", ") + std::to_string(ranks[i]);
  return ranks.size() > most ? list + " and " + std::to_string(ranks.size() - most) + " more" : list;
}

}  // namespace cohort::batch
