#pragma once

namespace cohort::cli {

/// Lets any thread end another thread's poll().
class WakeEvent {
 public:
  WakeEvent();
  ~WakeEvent();
  WakeEvent(const WakeEvent&) = delete;
  WakeEvent& operator=(const WakeEvent&) = delete;

  /// Readable from a wake() to the next clear(). For poll().
  int descriptor() const { return descriptor_; }
  /// Any thread, also in signal handlers.
  void wake();
  void clear();

 private:
  int descriptor_;
};

}  // namespace cohort::cli
