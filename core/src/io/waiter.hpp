#pragma once

#include <atomic>
#include <boost/intrusive/list.hpp>

#include <cohort/types.hpp>

#include "io/parker.hpp"

namespace cohort {

/// An event for which a thread can wait. Set once. Must be owned by a shared_ptr if it is completed from the loop.
class Completion {
 public:
  bool done() const { return done_.load(std::memory_order_acquire); }

 private:
  friend class Reactor;
  std::atomic<bool> done_{false};     // written under Reactor::mutex_
  struct Waiter* waiters_ = nullptr;  // guarded by Reactor::mutex_
};

/// Stops the wait of a thread. The Reactor's mutex guards it, except for the atomic.
struct Interruption {
  std::atomic<bool> requested{false};
  struct Waiter* waiter = nullptr;
};

enum class WaitResult { done, timeout, interrupted, cancelled };

// Whoever can hold the baton or wait for it: a thread in wait() (on its stack) or a pool thread.
struct Waiter : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  Parker* parker = nullptr;
  Completion* completion = nullptr;
  Interruption* interruption = nullptr;
  Interruption* cancellation = nullptr;
  Clock::time_point deadline = Clock::time_point::max();  // of its wait: a turn of the loop ends then
  Waiter* next = nullptr;                                 // in the list of its completion
  bool granted = false;                                   // got its slot back
  // Its completion is set, and nobody refers to the waiter any more: its thread may go on without the lock. Otherwise
  // the many threads whose answers came in one turn would all wake up to wait for that lock.
  std::atomic<bool> released{false};

  static bool called_off(const Interruption* by) {
    return by != nullptr && by->requested.load(std::memory_order_relaxed);
  }
  bool over() const {
    return (completion != nullptr && completion->done()) || called_off(interruption) || called_off(cancellation);
  }
  void set_as_waiter_of_interruptions(Waiter* waiter) const {
    for (Interruption* way : {interruption, cancellation}) {
      if (way != nullptr) way->waiter = waiter;
    }
  }
};

using Waiters = boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>>;

}  // namespace cohort
