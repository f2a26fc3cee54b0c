#include <cohort/retry.hpp>

#include <cmath>

#include <gtest/gtest.h>

#include <cohort/error.hpp>

namespace cohort {
namespace {

using namespace std::chrono_literals;

TEST(RetryDelaysTest, ComeFromAListAVectorOrABackOff) {
  const RetryDelays none, list{1s, 20ms}, vector = std::vector<Duration>(3), growing = ExponentialBackOff{.n = 4};
  EXPECT_EQ(none.size(), 0u);
  EXPECT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0], 1s);
  EXPECT_EQ(list[1], 20ms);
  EXPECT_EQ(vector.size(), 3u);
  EXPECT_EQ(growing.size(), 4u);
}

TEST(ExponentialBackOffTest, GrowsUpToItsLimit) {
  const ExponentialBackOff exact{.n = 5, .first_delay = 10ms, .max_delay = 500ms, .factor = 5, .jitter = 0};
  EXPECT_EQ(exact[0], 10ms);
  EXPECT_EQ(exact[1], 50ms);
  EXPECT_EQ(exact[2], 250ms);
  EXPECT_EQ(exact[3], 500ms);
  EXPECT_EQ(exact[1000], 500ms);
}

TEST(ExponentialBackOffTest, NeverIsAsLongAsItGets) {
  const ExponentialBackOff endless{.n = 9, .first_delay = 1h, .max_delay = never, .factor = 1e9, .jitter = 0};
  EXPECT_GT(endless[1], 0s);
  EXPECT_EQ(endless[8], never);
  EXPECT_EQ(RetryDelays(endless)[1000], never);
  const ExponentialBackOff uncertain{.n = 9, .first_delay = never, .max_delay = never, .jitter = 1};
  for (int i = 0; i < 100; i++) EXPECT_GE(uncertain[8], 0s);
}

TEST(RetryDelaysTest, NonsenseIsRefusedWhereItIsGiven) {
  EXPECT_THROW((RetryDelays{1s, -1ns}), ConfigError);
  EXPECT_THROW(RetryDelays(ExponentialBackOff{.first_delay = -1s}), ConfigError);
  EXPECT_THROW(RetryDelays(ExponentialBackOff{.max_delay = -1s}), ConfigError);
  EXPECT_THROW(RetryDelays(ExponentialBackOff{.factor = -2}), ConfigError);
  EXPECT_THROW(RetryDelays(ExponentialBackOff{.factor = NAN}), ConfigError);
  EXPECT_THROW(RetryDelays(ExponentialBackOff{.jitter = 1.1}), ConfigError);
  EXPECT_NO_THROW((RetryDelays{0s, never}));
}

TEST(ExponentialBackOffTest, JitterMakesEachPauseDifferent) {
  const ExponentialBackOff delays{.n = 1, .first_delay = 100ms, .max_delay = 10s, .factor = 2, .jitter = 0.1};
  bool differ = false;
  for (int i = 0; i < 100; i++) {
    EXPECT_GE(delays[1], 180ms);
    EXPECT_LE(delays[1], 220ms);
    differ = differ || delays[1] != delays[1];
  }
  EXPECT_TRUE(differ);
}

template <class E>
std::exception_ptr remote(ErrorKind kind, const E& cause) {
  return std::make_exception_ptr(RemoteException({2, kind, "type", "text", ""}, std::make_exception_ptr(cause)));
}

TEST(IsWorthRetrying, AllButTheHopeless) {
  EXPECT_TRUE(is_worth_retrying(std::make_exception_ptr(ProcessExitedException(2, "killed"))));
  EXPECT_TRUE(is_worth_retrying(std::make_exception_ptr(std::runtime_error("?"))));
  EXPECT_TRUE(is_worth_retrying(std::make_exception_ptr(7)));
  EXPECT_TRUE(is_worth_retrying(remote(ErrorKind::failed, std::runtime_error("?"))));
  EXPECT_FALSE(is_worth_retrying(remote(ErrorKind::unimplemented, std::runtime_error("?"))));
  EXPECT_FALSE(is_worth_retrying(remote(ErrorKind::failed, InterruptedException())));
  EXPECT_FALSE(is_worth_retrying(std::make_exception_ptr(CancelledException("enough"))));
}

}  // namespace
}  // namespace cohort
