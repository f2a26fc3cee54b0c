#pragma once

#include <random>

#include <cohort/types.hpp>

namespace cohort::batch {

/// Between 0.8 and 1.2 of it: the programs of a whole class of students do not ask in step.
inline cohort::Duration with_jitter(cohort::Duration pause) {
  static thread_local std::minstd_rand random(std::random_device{}());
  return pause * std::uniform_int_distribution<int>(80, 120)(random) / 100;
}

}  // namespace cohort::batch
