#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

#include <cohort/types.hpp>

namespace cohort::contract {

/// How long a wait may take if everything works but the machine is busy.
inline constexpr Duration patience = std::chrono::seconds(60);

/// Checks `condition` until it is true; returns false after `limit`. Use it for conditions that another process or
/// thread fulfils: it sleeps between the checks, longer each time, because the other one may need the processor.
template <class Condition>
bool eventually(Condition&& condition, Duration limit = patience) {
  constexpr Duration longest = std::chrono::milliseconds(50);
  using SteadyClock = std::chrono::steady_clock;  // a test may move the other one forward
  const auto deadline = SteadyClock::now() + limit;
  for (Duration pause = std::chrono::milliseconds(1);; pause = std::min(2 * pause, longest)) {
    const auto now = SteadyClock::now();
    if (condition()) return true;
    if (now >= deadline) return false;
    std::this_thread::sleep_for(std::min<Duration>(pause, deadline - now));
  }
}

}  // namespace cohort::contract
