#pragma once

#include <deque>
#include <functional>
#include <utility>

#include <cohort/detail/mutex.hpp>

#include "wake_event.hpp"

namespace cohort::cli {

/// What other threads want one thread to do. So that thread alone uses its data, and nothing thrown there ends the
/// tool.
class Inbox {
 public:
  /// Any thread.
  void post(std::function<void()> action) {
    const detail::MutexLock lock(mutex_);
    actions_.push_back(std::move(action));
    wake_.wake();
  }
  /// Readable while there is something to do. For poll().
  int descriptor() const { return wake_.descriptor(); }
  /// Does the next action, if there is one. @throws what it throws.
  void run_next() {
    std::function<void()> action;
    {
      const detail::MutexLock lock(mutex_);
      if (actions_.size() <= 1) wake_.clear();
      if (actions_.empty()) return;
      action = std::move(actions_.front());
      actions_.pop_front();
    }
    action();
  }

 private:
  WakeEvent wake_;
  detail::Mutex mutex_;  // also held while wake_ is told whether there are any
  std::deque<std::function<void()>> actions_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort::cli
