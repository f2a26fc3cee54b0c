#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include <cohort/types.hpp>

namespace cohort {

/// Threads for calls that block in the operating system or in a plugin: launching, dialling, waiting for a process.
/// Threads are started as they are needed, up to `limit`, and end with the pool. Runs no user functions, but for
/// coroutines that go on while no thread of the reactor's pool is left.
class BlockingPool {
 public:
  explicit BlockingPool(int limit) : limit_(limit) {}
  /// Runs what is queued, then joins.
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// Any thread. `work` must not throw.
  void run(std::function<void()> work);
  /// Waits until nothing is queued and nothing runs. @return false: not by the deadline.
  bool wait_until_idle(Clock::time_point deadline);

 private:
  void main();

  const int limit_;
  std::mutex mutex_;                 // guards all below
  std::condition_variable changed_;  // for the threads
  std::condition_variable idle_changed_;
  std::deque<std::function<void()>> queue_;
  std::vector<std::thread> threads_;
  int idle_ = 0;
  bool stop_ = false;
};

}  // namespace cohort
