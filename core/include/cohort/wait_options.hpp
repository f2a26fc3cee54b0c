#pragma once

#include <chrono>
#include <stop_token>

#include <cohort/error.hpp>
#include <cohort/types.hpp>

namespace COHORT_EXPORT cohort {

namespace detail {

/// Returns `length` in nanoseconds; beyond their range `never`, or the same below zero. @throws Error if it is NaN.
template <class Rep, class Period>
Duration nanoseconds_of(std::chrono::duration<Rep, Period> length) {
  const std::chrono::duration<double> seconds = length;  // hours::max() does not overflow there
  if (seconds != seconds) throw Error("a duration is not a number");
  if (seconds >= std::chrono::duration<double>(never)) return never;
  if (seconds <= -std::chrono::duration<double>(never)) return -never;
  return std::chrono::duration_cast<Duration>(length);
}

}  // namespace detail

/// When a wait ends with a TimeoutError: a point in time, or a duration from now; by default never. A point in the past
/// and a negative duration have passed already.
class Deadline {
 public:
  Deadline() = default;
  Deadline(Clock::time_point at) : at_(at) {}
  /// @throws Error if it is NaN.
  template <class Rep, class Period>
  Deadline(std::chrono::duration<Rep, Period> after) : at_(deadline_after(detail::nanoseconds_of(after))) {}
  Clock::time_point at() const { return at_; }

 private:
  Clock::time_point at_ = Clock::time_point::max();
};

/// Limits of a wait: `{.deadline = 5s, .stop_token = token}`. The wait throws TimeoutError at the deadline, and
/// CancelledException when a stop is requested.
struct WaitOptions {
  Deadline deadline = {};
  std::stop_token stop_token = {};
};

}  // namespace cohort
