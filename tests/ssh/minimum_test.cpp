#include "minimum.hpp"

#include <gtest/gtest.h>

#include <cohort/error.hpp>

namespace cohort_ssh {
namespace {

TEST(LeastWorkers, AreAllANumberOrAPercentage) {
  EXPECT_EQ(least_workers("all", 8), 8);
  EXPECT_EQ(least_workers("3", 8), 3);
  EXPECT_EQ(least_workers("20", 8), 8);
  EXPECT_EQ(least_workers("0", 8), 0);
  EXPECT_EQ(least_workers("50%", 8), 4);
  EXPECT_EQ(least_workers("50%", 7), 4);
  EXPECT_EQ(least_workers("100%", 7), 7);
  for (const char* bad : {"", "%", "some", "-1", "101%", "5 %", "1.5"})
    EXPECT_THROW(least_workers(bad, 8), cohort::ConfigError) << bad;
}

}  // namespace
}  // namespace cohort_ssh
