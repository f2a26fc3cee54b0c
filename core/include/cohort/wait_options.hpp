#pragma once

#include <chrono>
#include <stop_token>

#include <cohort/types.hpp>

namespace cohort {

/// The moment when a wait gives up: a point in time, or a duration from now. By default never.
class Deadline {
 public:
  Deadline() = default;
  Deadline(Clock::time_point at) : at_(at) {}
  template <class Rep, class Period>
  Deadline(std::chrono::duration<Rep, Period> after) {
    // In double first: hours::max() is not to overflow.
    const std::chrono::duration<double> seconds = after;
    if (seconds < std::chrono::hours(24 * 365 * 100)) at_ = Clock::now() + std::chrono::duration_cast<Duration>(after);
  }
  Clock::time_point at() const { return at_; }

 private:
  Clock::time_point at_ = Clock::time_point::max();
};

/// How a wait may end before what it waits for: `{.deadline = 5s, .stop_token = token}`. It ends with a TimeoutError,
/// or a CancelledException.
struct WaitOptions {
  Deadline deadline;
  std::stop_token stop_token;
};

}  // namespace cohort
