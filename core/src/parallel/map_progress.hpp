#pragma once

#include <atomic>
#include <cstddef>

#include <cohort/types.hpp>

namespace cohort {

/// How far a map is. The thread of the map writes; any thread reads.
struct MapProgress {
  explicit MapProgress(std::size_t items) : total(items) {}

  const std::size_t total;  // 0: not known
  const Clock::time_point begin = Clock::now();
  std::atomic<std::size_t> pulled{0};  // items that were taken from the source
  std::atomic<std::size_t> done{0};    // items that have a result
  std::atomic<double> seconds{0};      // that workers took for the latter
};

}  // namespace cohort
