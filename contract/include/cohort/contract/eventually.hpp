#pragma once

#include <thread>

#include <cohort/types.hpp>

namespace cohort::contract {

/// As long as a wait may take where everything works but the machine is busy.
inline constexpr Duration patience = std::chrono::seconds(60);

/// Looks until `condition` holds; false if that takes too long. For what another process or thread brings about.
template <class Condition>
bool eventually(Condition&& condition, Duration limit = patience) {
  for (const auto deadline = deadline_after(limit); Clock::now() < deadline; std::this_thread::yield())
    if (condition()) return true;
  return condition();
}

}  // namespace cohort::contract
