#include "base/durations.hpp"

#include <limits>

#include <gtest/gtest.h>

#include <cohort/wait_options.hpp>

namespace cohort {
namespace {

using namespace std::chrono_literals;

constexpr auto no_end = Clock::time_point::max();

TEST(Durations, ADeadlineStaysWithinTheClock) {
  EXPECT_EQ(deadline_after(never), no_end);
  EXPECT_EQ(deadline_after(never - 1ns), no_end);
  EXPECT_GT(deadline_after(1h), Clock::now() + 59min);
  for (const Duration passed : {Duration(0), Duration(-1s), -never, Duration::min()}) {
    const auto deadline = deadline_after(passed);
    EXPECT_LE(deadline, Clock::now());
    EXPECT_GT(deadline, Clock::now() - 1h);
  }
}

TEST(Durations, AnyDurationMakesADeadline) {
  EXPECT_EQ(Deadline().at(), no_end);
  EXPECT_EQ(Deadline(std::chrono::hours::max()).at(), no_end);
  EXPECT_EQ(Deadline(never - 1ns).at(), no_end);
  EXPECT_EQ(Deadline(std::chrono::duration<double>(std::numeric_limits<double>::infinity())).at(), no_end);
  for (const Deadline passed : {Deadline(std::chrono::hours(-24 * 365 * 300)), Deadline(std::chrono::hours::min()),
                                Deadline(std::chrono::duration<double>(-std::numeric_limits<double>::infinity()))}) {
    const auto at = passed.at();
    EXPECT_LE(at, Clock::now());
  }
  EXPECT_THROW(Deadline(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())), Error);
  EXPECT_GT(Deadline(std::chrono::hours(24 * 365 * 200)).at(), Clock::now() + std::chrono::hours(24 * 365 * 199));
}

TEST(Durations, AddUpToNever) {
  EXPECT_EQ(sum({1s, 2s}), 3s);
  EXPECT_EQ(sum({never - 1ns, 1s, never}), never);
}

TEST(Durations, AreShownInSeconds) {
  EXPECT_EQ(in_seconds(1ms), "0.001 s");
  EXPECT_EQ(in_seconds(1min), "60 s");
  EXPECT_EQ(in_seconds(never), "never");
}

TEST(Durations, NonsenseIsRefused) {
  EXPECT_NO_THROW(refuse_shorter(0s, 0s, "it"));
  EXPECT_THROW(refuse_shorter(-1ns, 0s, "it"), ConfigError);
  EXPECT_THROW(refuse_shorter(0s, 1ns, "it"), ConfigError);
  EXPECT_NO_THROW(refuse_shorter(never, 1ns, "it"));
}

}  // namespace
}  // namespace cohort
