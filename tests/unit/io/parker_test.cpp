#include "io/parker.hpp"

#include <gtest/gtest.h>

namespace cohort {
namespace {

// Each returns at once: the test hangs where one does not.
TEST(Parker, DeadlinesBeforeTheClockBeganHavePassed) {
  Parker parker;
  for (const auto deadline : {Clock::time_point::min(), Clock::time_point(Duration(-1)), Clock::time_point()})
    parker.park(deadline);
}

}  // namespace
}  // namespace cohort
