#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include <cohort/detail/mutex.hpp>
#include <cohort/types.hpp>

namespace cohort {

/// Threads for calls that block in the operating system or in a plugin: launching, dialling, waiting for a process.
/// They are started when they are needed, up to `limit` and the limits of the machine, and end with the pool. They run
/// no user functions, except coroutines that resume while the reactor's pool has no thread left.
class BlockingPool {
 public:
  /// @param at_start what each thread runs first.
  explicit BlockingPool(int limit, std::function<void()> at_start = {})
      : limit_(limit), at_start_(std::move(at_start)) {}
  ~BlockingPool() { stop(); }
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// Runs the queued work, then joins the threads. Functions that still run may call run() meanwhile and afterwards.
  void stop();
  /// Starts a thread if there is none yet, so that run() has one. Any thread may call it. @throws Error if none can be
  /// started.
  void start_first_thread();
  /// Runs `work` on one of the threads. An exception of `work` is only logged; catch it inside if somebody must learn
  /// of it. Any thread may call it. @throws Error if there is no thread and none can be started, or all have
  /// been stopped; then `work` is not run.
  void run(std::function<void()> work);
  /// Waits until nothing is queued and nothing runs. @return false if the deadline passed.
  bool wait_until_idle(Clock::time_point deadline);
  /// How many it has now.
  std::size_t threads();

 private:
  void start_thread() COHORT_REQUIRES(mutex_);
  void main() noexcept;

  const int limit_;
  const std::function<void()> at_start_;
  detail::Mutex mutex_;
  detail::ConditionVariable changed_;  // for the threads
  detail::ConditionVariable idle_changed_;
  std::deque<std::function<void()>> queue_ COHORT_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ COHORT_GUARDED_BY(mutex_);
  int alive_ COHORT_GUARDED_BY(mutex_) = 0;  // threads that will look at the queue again
  int busy_ COHORT_GUARDED_BY(mutex_) = 0;   // threads that run something
  bool stop_ COHORT_GUARDED_BY(mutex_) = false;
};

}  // namespace cohort
