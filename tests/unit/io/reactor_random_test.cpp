// Random traffic on a reactor. A lost wake-up shows as a wait that never ends: then the seed is printed and the program
// ends. Busy traffic repairs what it loses by its next message, so half of the rounds are quiet: one thing at a time.

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>
#include <vector>

#include "reactor_fixture.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using Random = std::mt19937;

unsigned seed() {
  static const unsigned value = [] {
    const char* text = std::getenv("COHORT_TEST_SEED");
    return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : std::random_device()();
  }();
  return value;
}

/// Ends the program with the seed when nothing moves any more.
class Watchdog {
 public:
  void moved() { moves_++; }

 private:
  std::atomic<std::uint64_t> moves_{0};
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread thread_{[this](std::stop_token stop) {
    std::unique_lock lock(mutex_);
    for (std::uint64_t before = moves_;; before = moves_) {
      if (stopped_.wait_for(lock, stop, 25s, [&] { return stop.stop_requested(); }) || stop.stop_requested()) return;
      if (moves_ != before) continue;
      std::fprintf(stderr, "a wait did not end; COHORT_TEST_SEED=%u\n", seed());
      std::abort();
    }
  }};
};

class ReactorTraffic : public testing::TestWithParam<int> {
 protected:
  int slots() const { return GetParam(); }
  Reactor reactor_{{.slots = GetParam(), .spare_thread_life = 5ms}};
  Watchdog watchdog_;

  // Watches that no more than the slots run; a task counts as running but while it waits.
  std::atomic<int> running_{0}, most_running_{0};
  void entered() {
    const int now = ++running_;
    for (int most = most_running_; now > most && !most_running_.compare_exchange_weak(most, now);) {
    }
  }
  void left() { running_--; }

  void task(std::function<void()> body) {
    submit(reactor_, [this, body = std::move(body)] {
      entered();
      body();
      left();
    });
  }
  /// A wait, by a task or by another thread. With a deadline it may be over early.
  void wait(Completion& end, Random& random) {
    const bool in_task = reactor_.in_task();
    if (in_task) left();
    if (random() % 4 == 0) {
      while (reactor_.wait(end, Clock::now() + std::chrono::microseconds(random() % 300)) != WaitResult::done) {
      }
    } else {
      EXPECT_EQ(reactor_.wait(end), WaitResult::done);
    }
    if (in_task) entered();
  }

  void pause(Random& random) {
    const auto until = Clock::now() + std::chrono::microseconds(random() % 8 == 0 ? 1500 : random() % 40);
    while (Clock::now() < until) {
    }
  }

  // Has `end` completed in one of many ways, and waits for it.
  void one_round(Random& random, int depth = 0) {
    auto end = completion();
    const unsigned next_seed = static_cast<unsigned>(random());
    switch (random() % 7) {
      case 0:
        reactor_.post([this, end] { reactor_.complete(end); });
        break;
      case 1:
        reactor_.post([this, end] { reactor_.complete(end); }, true);
        break;
      case 2:
        task([this, end] { reactor_.complete(end); });
        break;
      case 3:  // as a request is read: on the loop
        reactor_.post([this, end] { task([this, end] { reactor_.complete(end); }); });
        break;
      case 4:  // nested
        task([this, end, next_seed, depth] {
          Random inner(next_seed);
          if (depth < 3) one_round(inner, depth + 1);
          reactor_.complete(end);
        });
        break;
      case 5: {  // an interruption and an end at once
        auto interruption = std::make_shared<Interruption>();
        auto raced = completion();
        task([this, interruption] { reactor_.interrupt(*interruption); });
        if (next_seed % 2 == 0) reactor_.post([this, raced] { reactor_.complete(raced); });
        const bool in_task = reactor_.in_task();
        if (in_task) left();
        EXPECT_NE(reactor_.wait(*raced, Clock::time_point::max(), interruption.get()), WaitResult::timeout);
        if (in_task) entered();
        task([this, end] { reactor_.complete(end); });
        break;
      }
      case 6: {  // several wait for one
        auto both = completion();
        task([this, end, both, next_seed] {
          Random inner(next_seed);
          wait(*both, inner);
          reactor_.complete(end);
        });
        reactor_.post([this, both] { reactor_.complete(both); });
        wait(*both, random);
        break;
      }
    }
    wait(*end, random);
    watchdog_.moved();
  }

  void expect_all_slots() {
    EXPECT_LE(most_running_, slots());
    EXPECT_TRUE(run_together(reactor_, slots())) << "a slot was lost; COHORT_TEST_SEED=" << seed();
  }
};

INSTANTIATE_TEST_SUITE_P(Slots, ReactorTraffic, testing::Values(1, 2, 5));

TEST_P(ReactorTraffic, QuietRoundsAllEnd) {
  Random random(seed());
  for (int i = 0; i < 6000; i++) {
    one_round(random);
    pause(random);
  }
  expect_all_slots();
}

TEST_P(ReactorTraffic, BusyRoundsAllEnd) {
  {
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < 6; t++) {
      threads.emplace_back([this, t] {
        Random random(seed() + t);
        for (int i = 0; i < 1500; i++) {
          one_round(random);
          if (random() % 16 == 0) pause(random);
        }
      });
    }
  }
  expect_all_slots();
}

}  // namespace
}  // namespace cohort::test
