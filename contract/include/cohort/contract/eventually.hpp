#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

#include <cohort/types.hpp>

namespace cohort::contract {

/// How long a wait may take if everything works but the machine is busy.
inline constexpr Duration patience = std::chrono::seconds(60);

/// Looks until `condition` holds; false after `limit`. For what another process or thread brings about: it sleeps
/// between the looks, ever longer, as that may need the processor.
template <class Condition>
bool eventually(Condition&& condition, Duration limit = patience) {
  constexpr Duration longest = std::chrono::milliseconds(50);
  const auto deadline = deadline_after(limit);
  for (Duration pause = std::chrono::milliseconds(1);; pause = std::min(2 * pause, longest)) {
    const auto now = Clock::now();
    if (condition()) return true;
    if (now >= deadline) return false;
    std::this_thread::sleep_for(std::min<Duration>(pause, deadline - now));
  }
}

}  // namespace cohort::contract
