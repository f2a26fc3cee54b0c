#pragma once

#include <csignal>

#include "wake_event.hpp"

namespace cohort::cli {

/// While it lives, the first Ctrl-C (or SIGTERM, SIGQUIT, or SIGHUP of a closed terminal) is noted instead of ending
/// the tool; the second ends it at once, and the workers follow as they lose their master. A signal that the tool was
/// started to ignore, as by nohup, stays ignored. One object at a time.
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
  struct sigaction old_[4] = {};
};

}  // namespace cohort::cli
