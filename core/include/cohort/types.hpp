#pragma once

#include <cohort/detail/language.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>

#include <cohort/fwd.hpp>

namespace COHORT_EXPORT cohort {

inline constexpr Pid no_pid = 0;
inline constexpr Pid master_pid = 1;

/// Stands for "any worker" in spawnat(): workers are used in turn.
struct AnyWorker {
  /// Whether there is any such element in an array: see <cohort/algorithms.hpp>.
  template <class... A>
  auto operator()(const A&... arguments) const -> decltype(any_element(arguments...)) {
    return any_element(arguments...);
  }
};
inline constexpr AnyWorker any{};

/// What becomes of a message to a worker that the topology does not connect.
enum class Unconnected : std::uint8_t {
  error,  ///< its sender gets an Error
  relay   ///< the master passes it on
};

using Duration = std::chrono::nanoseconds;

namespace detail {
/// How far tests have moved the clock forward; see advance_clock().
inline std::atomic<std::int64_t> clock_offset{0};  // nanoseconds
}  // namespace detail

/// The clock of all deadlines: std::chrono::steady_clock, which tests can move forward (testing::TestCluster::advance).
struct Clock {
  using duration = std::chrono::steady_clock::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr bool is_steady = true;
  static time_point now() noexcept {
    return std::chrono::steady_clock::now() + Duration(detail::clock_offset.load(std::memory_order_relaxed));
  }
};

namespace detail {
/// When the system's clock shows it.
inline Clock::time_point system_time_of(Clock::time_point time) {
  return time == Clock::time_point::max() ? time : time - Duration(clock_offset.load(std::memory_order_relaxed));
}
}  // namespace detail

/// A duration that never passes.
inline constexpr Duration never = Duration::max();

/// Returns `now + after`. Beyond the range of the clock it is Clock::time_point::max(), which never passes. A negative
/// `after`, like 0, has passed already.
inline Clock::time_point deadline_after(Duration after) {
  const auto now = Clock::now();
  if (after <= Duration::zero()) return now;
  return after > Clock::time_point::max() - now ? Clock::time_point::max() : now + after;
}

}  // namespace cohort
