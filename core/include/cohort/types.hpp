#pragma once

#include <cohort/detail/language.hpp>

#include <chrono>
#include <cstdint>

#include <cohort/fwd.hpp>

namespace cohort {

inline constexpr Pid no_pid = 0;
inline constexpr Pid master_pid = 1;

/// Stands for "any worker" in spawnat(): workers are used in turn.
struct AnyWorker {};
inline constexpr AnyWorker any{};

using Duration = std::chrono::nanoseconds;
using Clock = std::chrono::steady_clock;

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
