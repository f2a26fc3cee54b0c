#pragma once

#include <cohort/detail/language.hpp>

#include <chrono>
#include <cstdint>

#include <cohort/fwd.hpp>

namespace cohort {

inline constexpr Pid no_pid = 0;
inline constexpr Pid master_pid = 1;

/// Names "some worker" in spawnat(): workers take turns.
struct AnyWorker {};
inline constexpr AnyWorker any{};

using Duration = std::chrono::nanoseconds;
using Clock = std::chrono::steady_clock;

/// A time-out that does not lapse.
inline constexpr Duration never = Duration::max();

/// `now + after`. What the clock cannot reach is Clock::time_point::max(), which never passes; a negative `after` has
/// passed already, as 0 has.
inline Clock::time_point deadline_after(Duration after) {
  const auto now = Clock::now();
  if (after <= Duration::zero()) return now;
  return after > Clock::time_point::max() - now ? Clock::time_point::max() : now + after;
}

}  // namespace cohort
