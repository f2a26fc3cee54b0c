#include "io/blocking_pool.hpp"

#include <atomic>
#include <latch>
#include <stdexcept>

#include <gtest/gtest.h>

#include "cohort/error.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

TEST(BlockingPool, StartsAThreadWhenThereIsSomethingToDoOrItIsAskedFor) {
  BlockingPool idle(2), ready(2), works(2);
  EXPECT_EQ(idle.threads(), 0u);
  for (int i = 0; i < 2; i++) {
    ready.start_first_thread();
    EXPECT_EQ(ready.threads(), 1u);
    works.run([] {});
    EXPECT_TRUE(works.wait_until_idle(deadline_after(60s)));
    EXPECT_EQ(works.threads(), 1u);
  }
}

TEST(BlockingPool, SaysWhetherAllIsDone) {
  BlockingPool pool(2);
  EXPECT_TRUE(pool.wait_until_idle(Clock::now()));
  std::latch go(1);
  std::atomic<int> done{0};
  for (int i = 0; i < 5; i++) {
    pool.run([&] {
      go.wait();
      done++;
    });
  }
  EXPECT_FALSE(pool.wait_until_idle(Clock::now() + 10ms));
  go.count_down();
  EXPECT_TRUE(pool.wait_until_idle(Clock::now() + 60s));
  EXPECT_EQ(done, 5);
}

TEST(BlockingPool, WorkMayAskForMoreWhileThePoolEnds) {
  std::atomic<int> done{0};
  std::latch ending(1);
  {
    BlockingPool pool(32);
    for (int i = 0; i < 4; i++) {
      pool.run([&] {
        ending.wait();
        pool.run([&] { done++; });
      });
    }
    pool.run([&] { ending.count_down(); });
  }
  EXPECT_EQ(done, 4);
}

TEST(BlockingPool, AfterItsStopWorkIsRefused) {
  BlockingPool pool(2);
  std::atomic<int> done{0};
  pool.run([&] { done++; });
  pool.stop();
  EXPECT_EQ(done, 1);
  EXPECT_THROW(pool.run([&] { done++; }), Error);
  pool.stop();
  EXPECT_EQ(done, 1);
}

TEST(BlockingPool, WhatWorkThrowsEndsThere) {
  BlockingPool pool(1);
  std::atomic<bool> went_on{false};
  pool.run([] { throw std::runtime_error("thrown by a test, and to be seen in the log"); });
  pool.run([] { throw 7; });
  pool.run([&] { went_on = true; });
  EXPECT_TRUE(pool.wait_until_idle(deadline_after(std::chrono::seconds(30))));
  EXPECT_TRUE(went_on);
}

}  // namespace
}  // namespace cohort::test
