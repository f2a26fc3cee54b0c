#pragma once

#include <cstddef>
#include <optional>
#include <stop_token>
#include <thread>

#include <cohort/types.hpp>

#include "interrupt_signal.hpp"
#include "wake_event.hpp"

namespace cohort::cli {

/// Watches a launch, from a thread of its own while it lives. Ctrl-C stops the launch. One that lasts long says on
/// standard error how far it is: on a terminal after three seconds, in one line that is drawn again and again, else
/// once after ten.
class LaunchWatch {
 public:
  /// @param wanted how many workers there are to be, where that is known. @param quiet nothing is said.
  LaunchWatch(const InterruptSignal& interrupt_signal, std::optional<std::size_t> wanted, bool quiet);
  ~LaunchWatch();
  LaunchWatch(const LaunchWatch&) = delete;

  /// For the launch.
  std::stop_token stop_token() const { return stop_.get_token(); }

 private:
  void run();
  bool waits_until(Clock::time_point time);

  const InterruptSignal& interrupt_signal_;
  const std::optional<std::size_t> wanted_;
  const bool quiet_;
  const Clock::time_point start_ = Clock::now();
  std::stop_source stop_;
  WakeEvent over_;  // the launch is
  std::thread thread_;
};

}  // namespace cohort::cli
