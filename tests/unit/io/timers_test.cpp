#include "io/timers.hpp"

#include <fcntl.h>
#include <sys/resource.h>

#include <atomic>
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

TEST(Timers, RingInTheOrderOfTheirTimes) {
  Reactor reactor({});
  auto ended = completion();
  std::vector<int> rung;
  reactor.post([&] {
    const auto now = Clock::now();
    for (const int i : {3, 1, 2}) reactor.timers().call_at(now + i * 1ms, [&rung, i] { rung.push_back(i); });
    reactor.timers().call_at(now - 1s, [&rung] { rung.push_back(0); });
    reactor.timers().call_at(now + 4ms, [&reactor, ended] { reactor.complete(ended); });
  });
  reactor.wait(*ended);
  EXPECT_EQ(rung, (std::vector<int>{0, 1, 2, 3}));
}

TEST(Timers, OneMaySetAnother) {
  Reactor reactor({});
  auto ended = completion();
  reactor.post([&] {
    reactor.timers().call_at(Clock::now(), [&] {
      reactor.timers().call_at(Clock::now() + 1ms, [&reactor, ended] { reactor.complete(ended); });
    });
  });
  reactor.wait(*ended);
}

TEST(Timers, WhatOneThrowsKeepsNoOtherFromRinging) {
  Reactor reactor({});
  auto ended = completion();
  reactor.post([&] {
    const auto now = Clock::now();
    reactor.timers().call_at(now + 1ms, [] { throw Error("thrown by a test, and to be seen in the log"); });
    reactor.timers().call_at(now + 2ms, [&reactor, ended] { reactor.complete(ended); });
  });
  EXPECT_EQ(reactor.wait(*ended, deadline_after(10s)), WaitResult::done);
}

TEST(Timers, ManyTakeOneDescriptorAndLeaveTheLoopToOthers) {
  constexpr int many = 20'000;
  Reactor reactor({});
  auto all = completion();
  const auto before = open_descriptors();
  std::size_t meanwhile = 0;
  int rung = 0, rung_before_the_post = -1;
  reactor.post([&] {
    for (int i = 0; i < many; i++) {
      reactor.timers().call_at(Clock::now() + 10ms - std::chrono::nanoseconds(i), [&] {
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

TEST(Timers, WhatDidNotRingIsDroppedAtTheEnd) {
  auto held = std::make_shared<int>();
  {
    Reactor reactor({});
    reactor.post([&] { reactor.timers().call_at(Clock::now() + 1h, [held] {}); });
    reactor.post([&] { reactor.timers().call_at(Clock::time_point::max(), [held] {}); });
  }
  EXPECT_EQ(held.use_count(), 1);
}

// No more descriptors for this process, as long as it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const FileDescriptor next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const rlimit none{static_cast<rlim_t>(next.get()), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST(Timer, NeedsNoDescriptor) {
  Reactor reactor({});
  Timer once, again, stopped;
  auto rang = completion(), rang_again = completion();
  std::atomic<int> rings{0};
  std::atomic<bool> called_off{false};
  const NoDescriptors limit;
  ASSERT_LT(::open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
  reactor.post([&] {
    stopped.start(reactor, 1ms, [&] { called_off = true; });
    stopped.stop();
    once.start(reactor, 5ms, [&] { reactor.complete(rang); });
    again.start(
        reactor, 1ms,
        [&] {
          if (++rings < 3) return;
          again.stop();
          reactor.complete(rang_again);
        },
        1ms);
  });
  EXPECT_EQ(reactor.wait(*rang, deadline_after(30s)), WaitResult::done);
  EXPECT_EQ(reactor.wait(*rang_again, deadline_after(30s)), WaitResult::done);
  EXPECT_EQ(rings, 3);
  EXPECT_FALSE(called_off);
  auto ended = completion();
  reactor.post([&] {
    once.stop();
    reactor.complete(ended);
  });
  reactor.wait(*ended);
}

TEST(Timer, WhatItsCallbackThrowsEndsThere) {
  Reactor reactor({});
  Timer timer;
  auto second = completion();
  std::atomic<int> rings{0};
  reactor.post([&] {
    timer.start(
        reactor, 1ms,
        [&] {
          if (++rings < 2) throw Error("thrown by a test, and to be seen in the log");
          timer.stop();
          reactor.complete(second);
        },
        1ms);
  });
  EXPECT_EQ(reactor.wait(*second, deadline_after(30s)), WaitResult::done);
}

TEST(Timer, MayBeDestroyedByItsCallback) {
  Reactor reactor({});
  auto ended = completion();
  auto held = std::make_shared<int>();
  for (const Duration repeat : {Duration::zero(), Duration(1ms)}) {
    reactor.post([&, repeat] {
      auto* timer = new Timer;
      timer->start(
          reactor, 1ms,
          [&, timer, held] {
            delete timer;
            if (held.use_count() == 2) reactor.complete(ended);  // the other timer is gone, with its callback
          },
          repeat);
    });
  }
  EXPECT_EQ(reactor.wait(*ended, deadline_after(30s)), WaitResult::done);
}

TEST(Timer, StopsAtTheEndOfTheReactor) {
  auto held = std::make_shared<int>();
  Timer timer;
  {
    Reactor reactor({});
    auto started = completion();
    reactor.post([&] {
      timer.start(reactor, 1h, [held] {});
      reactor.complete(started);
    });
    reactor.wait(*started);
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
  timer.stop();
}

}  // namespace
}  // namespace cohort::test
