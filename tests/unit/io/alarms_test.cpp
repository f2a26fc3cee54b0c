#include "io/alarms.hpp"

#include <filesystem>
#include <iterator>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/error.hpp>

#include "reactor_fixture.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

TEST(Alarms, RingInTheOrderOfTheirTimes) {
  Reactor reactor({});
  auto ended = completion();
  std::vector<int> rung;
  reactor.post([&] {
    const auto now = Clock::now();
    for (const int i : {3, 1, 2}) reactor.alarms().set(now + i * 1ms, [&rung, i] { rung.push_back(i); });
    reactor.alarms().set(now - 1s, [&rung] { rung.push_back(0); });
    reactor.alarms().set(now + 4ms, [&reactor, ended] { reactor.complete(ended); });
  });
  reactor.wait(*ended);
  EXPECT_EQ(rung, (std::vector<int>{0, 1, 2, 3}));
}

TEST(Alarms, OneMaySetAnother) {
  Reactor reactor({});
  auto ended = completion();
  reactor.post([&] {
    reactor.alarms().set(Clock::now(), [&] {
      reactor.alarms().set(Clock::now() + 1ms, [&reactor, ended] { reactor.complete(ended); });
    });
  });
  reactor.wait(*ended);
}

TEST(Alarms, WhatOneThrowsKeepsNoOtherFromRinging) {
  Reactor reactor({});
  auto ended = completion();
  reactor.post([&] {
    const auto now = Clock::now();
    reactor.alarms().set(now + 1ms, [] { throw Error("thrown by a test, and to be seen in the log"); });
    reactor.alarms().set(now + 2ms, [&reactor, ended] { reactor.complete(ended); });
  });
  EXPECT_EQ(reactor.wait(*ended, deadline_after(10s)), WaitResult::done);
}

TEST(Alarms, ManyTakeOneDescriptorAndLeaveTheLoopToOthers) {
  constexpr int many = 20'000;
  Reactor reactor({});
  auto all = completion();
  const auto before = open_descriptors();
  std::size_t meanwhile = 0;
  int rung = 0, rung_before_the_post = -1;
  reactor.post([&] {
    for (int i = 0; i < many; i++) {
      reactor.alarms().set(Clock::now() + 10ms - std::chrono::nanoseconds(i), [&] {
        if (++rung == 1) reactor.post([&] { rung_before_the_post = rung; });
        if (rung == many) reactor.complete(all);
      });
    }
    meanwhile = open_descriptors();
  });
  reactor.wait(*all);
  EXPECT_LE(meanwhile, before + 4);  // also what lists them
  EXPECT_LT(rung_before_the_post, many);
}

TEST(Alarms, WhatDidNotRingIsDroppedAtTheEnd) {
  auto held = std::make_shared<int>();
  {
    Reactor reactor({});
    reactor.post([&] { reactor.alarms().set(Clock::now() + 1h, [held] {}); });
    reactor.post([&] { reactor.alarms().set(Clock::time_point::max(), [held] {}); });
  }
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace cohort::test
