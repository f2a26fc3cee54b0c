#pragma once

#include <cohort/types.hpp>

// For tests; see testing::TestCluster::advance().

namespace COHORT_EXPORT cohort {
namespace detail {

/// Moves the clock of this process forward, and returns when the loops of all its nodes have called back what is due by
/// then. Waits whose deadline has passed end soon after. Not on a loop's thread.
/// @throws Error if a loop stands still for a minute, as the next one.
void advance_clock(Duration by);

/// Returns when the loops of all nodes have done what was posted to them before the call.
void turn_loops();

}  // namespace detail
}  // namespace cohort
