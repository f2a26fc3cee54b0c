#pragma once

#include <functional>
#include <map>

#include <cohort/file_descriptor.hpp>
#include <cohort/types.hpp>

#include "io/loop_handles.hpp"

namespace cohort {

/// Calls back at times to come. However many there are, they have one timer of the kernel's, and so one descriptor.
/// Loop thread only; made and destroyed with the reactor.
class Alarms {
 public:
  /// @throws std::system_error there is no descriptor left.
  explicit Alarms(Reactor& reactor);
  ~Alarms() { watcher_.stop(); }
  Alarms(const Alarms&) = delete;
  Alarms& operator=(const Alarms&) = delete;

  /// Calls `callback` on the loop when the time has come. It must be short, and may set further alarms. What has not
  /// been called at the end of the reactor never is.
  void set(Clock::time_point when, std::function<void()> callback);

 private:
  void arm();
  void ring();

  const FileDescriptor timer_;
  PollWatcher watcher_;
  Clock::time_point armed_for_ = Clock::time_point::max();
  std::multimap<Clock::time_point, std::function<void()>> waiting_;
};

}  // namespace cohort
