#include "config/min_workers.hpp"

#include <gtest/gtest.h>

#include <regex>

#include <cohort/error.hpp>

namespace cohort {
namespace {

TEST(MinWorkers, AreAllANumberOrAPercentage) {
  EXPECT_EQ(MinWorkers("all").of(8), 8);
  EXPECT_EQ(MinWorkers("3").of(8), 3);
  EXPECT_EQ(MinWorkers("20").of(8), 20) << "which nobody can have";
  EXPECT_EQ(MinWorkers("0").of(8), 0);
  EXPECT_EQ(MinWorkers("50%").of(8), 4);
  EXPECT_EQ(MinWorkers("50%").of(7), 4);
  EXPECT_EQ(MinWorkers("0%").of(7), 0);
  EXPECT_EQ(MinWorkers("100%").of(1'000'000'000), 1'000'000'000);
}

TEST(MinWorkers, RefuseWhatThePatternRefuses) {
  const std::regex pattern(MinWorkers::pattern());
  for (const char* bad : {"", "%", "some", "-1", "101%", "099%", "5 %", "1.5", "9999999999", "all "}) {
    EXPECT_THROW(MinWorkers{bad}, ConfigError) << bad;
    EXPECT_FALSE(std::regex_match(bad, pattern)) << bad;
  }
  for (const char* good : {"all", "0", "000000007", "7%", "07%", "100%"}) {
    EXPECT_NO_THROW(MinWorkers{good}) << good;
    EXPECT_TRUE(std::regex_match(good, pattern)) << good;
  }
}

}  // namespace
}  // namespace cohort
