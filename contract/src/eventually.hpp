#pragma once

#include <thread>

#include <cohort/contract/patience.hpp>

namespace cohort::contract {

/// Looks until `condition` holds; false if that takes too long. For what another process or thread brings about.
template <class Condition>
bool eventually(Condition&& condition, Duration limit = patience) {
  for (const auto deadline = deadline_after(limit); Clock::now() < deadline; std::this_thread::yield())
    if (condition()) return true;
  return condition();
}

}  // namespace cohort::contract
