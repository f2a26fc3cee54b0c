#pragma once

#include <cstddef>
#include <vector>

#include <cohort/types.hpp>

namespace COHORT_EXPORT cohort {

/// What this process has for workers to do: for whoever starts as many workers as are needed.
struct Demand {
  /// Items that have no result yet, of the maps that use all workers: pmap and the like, without a pool of their own.
  /// Of a map that does not know the number of its items, those that were sent.
  std::size_t items = 0;
  /// How long one worker would take for these items, if they take as long as the others of their map did. Before a map
  /// has a result, each of its items is assumed to take as long as the map has been running.
  Duration work = {};
  /// Calls that wait until a worker of the default pool is free.
  std::size_t callers = 0;
  /// The workers at which a call of this process is open, in ascending order.
  std::vector<Pid> busy = {};
};

/// Does not wait. May be called from any thread. @throws Error if there is no session.
Demand demand();

}  // namespace cohort
