#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include <cohort/detail/mutex.hpp>
#include <cohort/types.hpp>

namespace cohort {

/// Threads for calls that block in the operating system or in a plugin: launching, dialling, waiting for a process.
/// They are started as they are needed, up to `limit`, and as the machine allows, and end with the pool. Runs no user
/// functions, but for coroutines that go on while no thread of the reactor's pool is left.
class BlockingPool {
 public:
  explicit BlockingPool(int limit) : limit_(limit) {}
  /// Runs what is queued, then joins.
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// Starts a thread, if there is none yet: from then on run() finds one. Any thread. @throws Error when none can be
  /// started.
  void start_first_thread();
  /// Any thread. What `work` throws is only logged: who must learn of it catches it inside. @throws Error when there is
  /// no thread and none can be started; then it is not run.
  void run(std::function<void()> work);
  /// Waits until nothing is queued and nothing runs. @return false: not by the deadline.
  bool wait_until_idle(Clock::time_point deadline);
  /// How many it has now.
  std::size_t threads();

 private:
  void start_thread() COHORT_REQUIRES(mutex_);
  void main() noexcept;

  const int limit_;
  detail::Mutex mutex_;
  detail::ConditionVariable changed_;  // for the threads
  detail::ConditionVariable idle_changed_;
  std::deque<std::function<void()>> queue_ COHORT_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ COHORT_GUARDED_BY(mutex_);
  int busy_ COHORT_GUARDED_BY(mutex_) = 0;  // threads that run something
  bool stop_ COHORT_GUARDED_BY(mutex_) = false;
};

}  // namespace cohort
