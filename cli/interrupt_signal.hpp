#pragma once

#include <csignal>

#include "wake_event.hpp"

namespace cohort::cli {

/// While it lives, the first Ctrl-C (or SIGTERM) is noted instead of ending the tool; the second ends it at once, and
/// the workers follow as they lose their master. One object at a time.
class InterruptSignal {
 public:
  InterruptSignal();
  ~InterruptSignal();
  InterruptSignal(const InterruptSignal&) = delete;
  InterruptSignal& operator=(const InterruptSignal&) = delete;

  /// Readable from the first signal on. For poll().
  int descriptor() const { return event_.descriptor(); }
  bool caught() const;

 private:
  WakeEvent event_;
  struct sigaction old_interrupt_ = {};
  struct sigaction old_terminate_ = {};
};

}  // namespace cohort::cli
