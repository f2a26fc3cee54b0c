#pragma once

#include <uv.h>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include <cohort/detail/mutex.hpp>
#include <cohort/types.hpp>

#include "io/waiter.hpp"

namespace cohort {

class Timers;

// One libuv loop, driven by any thread that has nothing else to do: it holds the "baton". A thread that waits for an
// answer drives the loop itself, so the answer needs no switch between threads. A pool thread that has read a request
// leaves the loop, runs the function and comes back; meanwhile a parked pool thread, the watcher, takes over after
// `grace`.
//
// At most one thread, the driver, is inside uv_run. Only the driver touches loop handles; other threads call post().
// While mutex_ is held, no other lock is taken; and it is not taken while a lock of a SendQueue is held.

/// A user function to run on a pool thread.
class PoolTask {
 public:
  virtual ~PoolTask();
  virtual void run() noexcept = 0;
  /// Called instead of run() if there is no thread for it, because `max_threads` functions are blocked.
  virtual void refuse() noexcept = 0;
  /// More tasks follow on the same thread at once: output may be gathered, and is sent before the next one runs if the
  /// first of it has waited for long.
  bool gather = false;
};

/// Gathered output of one connection.
class Flushable {
 public:
  virtual ~Flushable();
  /// Sends the gathered output. @param soon the calling thread is about to drive the loop.
  virtual void flush(bool soon) = 0;
};

/// Logs the exception that is being handled.
void report_thrown_on_loop() noexcept;

/// Runs a callback of the loop, catches every exception, and logs it: the thread that drives the loop waits for
/// something else, and libuv's frames are in between. The owner of a connection or a call must catch its exceptions
/// itself, and make them the error of that connection or call.
template <class Body>
void guard_loop(Body&& body) noexcept {
  try {
    body();
  } catch (...) {
    report_thrown_on_loop();
  }
}

class Reactor {
 public:
  struct Options {
    int slots = 1;                                  ///< user functions running at once
    int max_threads = 1024;                         ///< pool threads, those blocked in a wait included; one is kept
                                                    ///< for the loop
    Duration grace = std::chrono::milliseconds(1);  ///< nobody drove for this long: the watcher takes over
    Duration spare_thread_life = std::chrono::seconds(10);  ///< idle threads beyond the slots end after this
  };

  /// @throws std::system_error, Error when there is no descriptor, or no thread, for it.
  explicit Reactor(Options options);
  /// Stops the reactor. No thread may be in wait() any more.
  ~Reactor();
  /// Ends all pool threads when their functions have ended, and runs the posted operations. Must not be called on one
  /// of these threads.
  void stop();
  /// Calls `use` for each reactor that is not stopped; none stops meanwhile.
  static void for_each(const std::function<void(Reactor&)>& use);
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  /// Blocks until the completion is set; meanwhile the slot of the calling function is free. Must not be called on the
  /// loop. @param interruption, cancellation two ways to stop the wait, which differ only in the result.
  WaitResult wait(Completion& completion, Clock::time_point deadline = Clock::time_point::max(),
                  Interruption* interruption = nullptr, Interruption* cancellation = nullptr);

  /// Sets a completion. Any thread; on the loop the waiters are woken at the end of the turn.
  void complete(std::shared_ptr<Completion> completion);

  /// Stops the wait of a thread, and marks the interruption as requested. May be called from any thread.
  void interrupt(Interruption& interruption);

  /// Runs a user function on a pool thread when a slot is free. Any thread.
  void submit(std::shared_ptr<PoolTask> task);

  /// Runs `operation` on the loop; it must be short and never wait. Its exceptions are only logged; catch them inside
  /// if somebody must learn of them. May be called from any thread. @param soon the calling thread is about to wait.
  void post(std::function<void()> operation, bool soon = false);

  /// Sees to it that `output` is flushed within about `grace`. Any thread.
  void flush_later(std::shared_ptr<Flushable> output);
  /// On the loop: flushed at the end of this turn.
  void flush_after_turn(std::shared_ptr<Flushable> output);

  /// Whether the calling thread is inside this reactor's loop.
  bool on_loop() const;
  /// Whether the calling thread is inside the loop of any reactor.
  static bool on_any_loop();
  /// Whether the calling thread runs a user function of this reactor.
  bool in_task() const;
  uv_loop_t* loop() { return &loop_; }
  /// On the loop.
  Timers& timers() { return *timers_; }

  void set_slots(int slots);
  int threads() const;

 private:
  struct PoolThread;
  struct ThreadState;
  static ThreadState& thread_state();

  void wake_driver() COHORT_REQUIRES(mutex_);
  void free_baton() COHORT_REQUIRES(mutex_);
  void pass_baton_on(Wakes& wakes) COHORT_REQUIRES(mutex_);
  void finish(Completion& completion, Waiter* self, Wakes& wakes) COHORT_REQUIRES(mutex_);
  void leave_waiters(Waiter& waiter) COHORT_REQUIRES(mutex_);
  void release_slot(Wakes& wakes) COHORT_REQUIRES(mutex_);
  void resume_first(Wakes& wakes) COHORT_REQUIRES(mutex_);
  void acquire_slot_again(Waiter& waiter, Wakes& wakes) COHORT_REQUIRES(mutex_);
  bool loop_needs_last_thread(bool driver_leaves) const COHORT_REQUIRES(mutex_);
  PoolThread* spawn() COHORT_REQUIRES(mutex_);
  void close_loop();
  PoolThread* resting_thread() COHORT_REQUIRES(mutex_);
  void settle(Wakes& wakes) COHORT_REQUIRES(mutex_);
  void assign_tasks(Wakes& wakes) COHORT_REQUIRES(mutex_);
  void refuse_tasks_without_thread() COHORT_REQUIRES(mutex_);
  void flush_gathered(bool soon) COHORT_REQUIRES(mutex_);
  template <class Body>
  void run_on_loop(Waiter& self, Wakes& wakes, Body&& body) COHORT_REQUIRES(mutex_);
  enum class Turn { waiting, without_waiting };
  void turn(Waiter& self, Wakes& wakes, Turn how = Turn::waiting) COHORT_REQUIRES(mutex_);
  void pool_main(PoolThread& self);
  void run_tasks(PoolThread& self, Wakes& wakes) COHORT_REQUIRES(mutex_);
  bool rest(PoolThread& self, Wakes& wakes) COHORT_REQUIRES(mutex_);

  const Duration grace_, spare_thread_life_;
  const int max_threads_;
  uv_loop_t loop_;
  uv_poll_t wake_poll_;
  int wake_descriptor_;

  mutable detail::Mutex mutex_;
  int slots_ COHORT_GUARDED_BY(mutex_);
  Waiter* driver_ COHORT_GUARDED_BY(mutex_) = nullptr;
  // The driver is in, or about to enter, uv_run and must be woken for new work.
  bool polling_ COHORT_GUARDED_BY(mutex_) = false;
  bool stop_ COHORT_GUARDED_BY(mutex_) = false;
  bool kick_ COHORT_GUARDED_BY(mutex_) = false;  // there is loop work and no driver: do not wait for the grace
  Clock::time_point free_since_ COHORT_GUARDED_BY(mutex_);
  Clock::time_point gathered_since_ COHORT_GUARDED_BY(mutex_);
  std::uint64_t releases_ COHORT_GUARDED_BY(mutex_) = 0;
  Waiters waiters_ COHORT_GUARDED_BY(mutex_);  // parked in wait(), able to take the baton; the youngest is last
  std::deque<std::shared_ptr<PoolTask>> tasks_ COHORT_GUARDED_BY(mutex_);
  std::deque<Waiter*> resuming_ COHORT_GUARDED_BY(mutex_);  // returned from a wait, want their slot back
  int active_ COHORT_GUARDED_BY(mutex_) = 0;                // slots in use
  std::vector<std::unique_ptr<PoolThread>> threads_ COHORT_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<PoolThread>> retired_ COHORT_GUARDED_BY(mutex_);
  std::vector<PoolThread*> idle_ COHORT_GUARDED_BY(mutex_);
  PoolThread* watcher_ COHORT_GUARDED_BY(mutex_) = nullptr;
  bool watcher_armed_ COHORT_GUARDED_BY(mutex_) = false;
  std::vector<std::shared_ptr<Flushable>> gathered_ COHORT_GUARDED_BY(mutex_);
  std::deque<std::function<void()>> operations_ COHORT_GUARDED_BY(mutex_);

  // The driver's own.
  std::unique_ptr<Timers> timers_;

  // The driver's own, within one turn.
  std::vector<std::function<void()>> round_;  // posted operations that run now
  std::vector<std::shared_ptr<Completion>> turn_completions_;
  std::vector<std::shared_ptr<PoolTask>> turn_tasks_;
  std::vector<std::shared_ptr<Flushable>> turn_flushes_;
};

}  // namespace cohort
