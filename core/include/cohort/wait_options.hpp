#pragma once

#include <chrono>
#include <stop_token>

#include <cohort/error.hpp>
#include <cohort/types.hpp>

namespace cohort {

namespace detail {

/// `length` in nanoseconds. What these cannot count is `never`, or as much below zero. @throws Error: it is no number.
template <class Rep, class Period>
Duration nanoseconds_of(std::chrono::duration<Rep, Period> length) {
  const std::chrono::duration<double> seconds = length;  // hours::max() does not overflow there
  if (seconds != seconds) throw Error("a duration is not a number");
  if (seconds >= std::chrono::duration<double>(never)) return never;
  if (seconds <= -std::chrono::duration<double>(never)) return -never;
  return std::chrono::duration_cast<Duration>(length);
}

}  // namespace detail

/// The moment when a wait gives up: a point in time, or a duration from now. By default never. One that lies in the
/// past, or a negative duration, has passed.
class Deadline {
 public:
  Deadline() = default;
  Deadline(Clock::time_point at) : at_(at) {}
  /// @throws Error if it is not a number.
  template <class Rep, class Period>
  Deadline(std::chrono::duration<Rep, Period> after) : at_(deadline_after(detail::nanoseconds_of(after))) {}
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
