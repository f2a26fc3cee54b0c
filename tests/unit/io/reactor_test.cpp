#include "io/reactor.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include <cohort/error.hpp>

#include "io/loop_handles.hpp"
#include "io/timers.hpp"
#include "reactor_fixture.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

using contract::eventually;

/// For a task that computes: until another thread sets it. @return false: that took too long.
bool becomes_true(const std::atomic<bool>& flag) {
  return eventually([&] { return flag.load(); }, 30s);
}

TEST(Reactor, RunsTasksAndOperations) {
  Reactor reactor({.slots = 1});
  auto by_task = completion(), by_operation = completion();
  submit(reactor, [&] {
    EXPECT_TRUE(reactor.in_task());
    EXPECT_FALSE(reactor.on_loop());
    reactor.complete(by_task);
  });
  reactor.post([&] {
    EXPECT_TRUE(reactor.on_loop());
    EXPECT_FALSE(reactor.in_task());
    reactor.complete(by_operation);
  });
  EXPECT_EQ(reactor.wait(*by_task), WaitResult::done);
  EXPECT_EQ(reactor.wait(*by_operation), WaitResult::done);
  EXPECT_EQ(reactor.wait(*by_operation), WaitResult::done);
}

TEST(Reactor, AWaitInACallbackOfTheLoopIsRefused) {
  Reactor reactor({});
  auto never_set = completion(), end = completion();
  reactor.post([&] {
    EXPECT_THROW(reactor.wait(*never_set), Error);
    reactor.complete(end);
  });
  reactor.wait(*end);
}

TEST(Reactor, AWaitEndsAtItsDeadlineAndNotBefore) {
  Reactor reactor({});
  auto never_set = completion();
  const auto deadline = Clock::now() + 30ms;
  EXPECT_EQ(reactor.wait(*never_set, deadline), WaitResult::timeout);
  EXPECT_GE(Clock::now(), deadline);
  EXPECT_EQ(reactor.wait(*never_set, Clock::now() - 1s), WaitResult::timeout);
}

TEST(Reactor, WhatComesFromTheLoopEndsATimedWait) {
  Reactor reactor({});
  for (int i = 0; i < 200; i++) {
    auto end = completion();
    reactor.post([&] { reactor.complete(end); });
    ASSERT_EQ(reactor.wait(*end, deadline_after(20s)), WaitResult::done) << i;
  }
}

// A wait with a deadline drives the loop as any other does: nothing has to wake up another thread first.
TEST(Reactor, AThreadWithADeadlineDrivesTheLoop) {
  Reactor reactor({.slots = 1, .grace = std::chrono::hours(1)});  // so that no pool thread takes over
  for (int i = 0; i < 100; i++) {
    auto end = completion();
    std::thread::id driver;
    reactor.post(
        [&] {
          driver = std::this_thread::get_id();
          reactor.complete(end);
        },
        true);  // this thread is about to drive
    ASSERT_EQ(reactor.wait(*end, deadline_after(20s)), WaitResult::done);
    ASSERT_EQ(driver, std::this_thread::get_id());
  }
  auto never_done = completion();
  const auto before = Clock::now();
  EXPECT_EQ(reactor.wait(*never_done, deadline_after(20ms)), WaitResult::timeout);
  EXPECT_GE(Clock::now() - before, 20ms);
  EXPECT_EQ(reactor.wait(*never_done, Clock::now()), WaitResult::timeout);
}

// The timer of the kernel stays armed when a wait has ended before its deadline.
TEST(Reactor, TheDeadlineOfAWaitThatHasEndedDoesNotEndALaterOne) {
  Reactor reactor({});
  const auto wait_for_something = [&](Duration limit) {
    auto end = completion();
    reactor.post([&] { reactor.complete(end); });
    EXPECT_EQ(reactor.wait(*end, deadline_after(limit)), WaitResult::done);
  };
  auto never_done = completion();
  wait_for_something(20s);
  const auto sooner = deadline_after(20ms);
  EXPECT_EQ(reactor.wait(*never_done, sooner), WaitResult::timeout);
  EXPECT_GE(Clock::now(), sooner);
  EXPECT_LT(Clock::now(), sooner + 10s);
  wait_for_something(20ms);
  const auto later = deadline_after(60ms);
  EXPECT_EQ(reactor.wait(*never_done, later), WaitResult::timeout);
  EXPECT_GE(Clock::now(), later);
}

TEST(Reactor, AnInterruptionEndsAWaitAndIsRemembered) {
  Reactor reactor({});
  auto never_set = completion();
  Interruption interruption;
  std::jthread other([&] { reactor.interrupt(interruption); });
  EXPECT_EQ(reactor.wait(*never_set, Clock::time_point::max(), &interruption), WaitResult::interrupted);
  EXPECT_EQ(reactor.wait(*never_set, deadline_after(20s), &interruption), WaitResult::interrupted);
  auto set = completion();
  reactor.complete(set);
  EXPECT_EQ(reactor.wait(*set, Clock::time_point::max(), &interruption), WaitResult::done);
}

TEST(Reactor, ABlockedTaskGivesItsSlotAway) {
  Reactor reactor({.slots = 1});
  auto gate = completion(), first = completion(), second = completion();
  submit(reactor, [&] {
    reactor.wait(*gate);
    reactor.complete(first);
  });
  submit(reactor, [&] {
    reactor.complete(gate);
    reactor.complete(second);
  });
  EXPECT_EQ(reactor.wait(*first, deadline_after(20s)), WaitResult::done);
  EXPECT_EQ(reactor.wait(*second, deadline_after(20s)), WaitResult::done);
}

TEST(Reactor, MoreSlotsLetThoseGoOnWhoseWaitIsOver) {
  Reactor reactor({.slots = 1});
  auto gate = completion(), first = completion(), second = completion();
  std::atomic<bool> computing{false}, stop{false};
  submit(reactor, [&] {
    reactor.wait(*gate);
    reactor.complete(first);
  });
  submit(reactor, [&] {
    computing = true;
    EXPECT_TRUE(becomes_true(stop));
    reactor.complete(second);
  });
  ASSERT_TRUE(becomes_true(computing));
  reactor.complete(gate);
  EXPECT_EQ(reactor.wait(*first, deadline_after(50ms)), WaitResult::timeout);  // the only slot is taken
  reactor.set_slots(2);
  EXPECT_EQ(reactor.wait(*first, deadline_after(20s)), WaitResult::done);
  stop = true;
  reactor.wait(*second);
  EXPECT_TRUE(run_together(reactor, 2));
}

TEST(Reactor, TheLoopGoesOnWhileTasksCompute) {
  for (const int slots : {1, 3}) {
    Reactor reactor({.slots = slots, .max_threads = slots + 1});
    for (int round = 0; round < 20; round++) {
      std::atomic<bool> stop{false};
      std::vector<std::shared_ptr<Completion>> ends;
      for (int i = 0; i < slots; i++) {
        ends.push_back(completion());
        submit(reactor, [&reactor, &stop, end = ends.back()] {
          EXPECT_TRUE(becomes_true(stop)) << "nobody drove the loop";
          reactor.complete(end);
        });
      }
      auto timer = std::make_shared<Timer>();
      reactor.post([&reactor, &stop, timer] {
        timer->start(reactor, 1ms, [&reactor, &stop, timer] {
          reactor.post([timer] { timer->stop(); });
          stop = true;
        });
      });
      for (auto& end : ends) reactor.wait(*end);
    }
  }
}

// The loop alone does something, some time after everybody fell asleep; the watcher sleeps too by then.
void after(Reactor& reactor, Duration delay, std::function<void()> body) {
  auto timer = std::make_shared<Timer>();
  reactor.post([&reactor, delay, timer, body = std::move(body)] {
    timer->start(reactor, delay, [&reactor, timer, body] {
      reactor.post([timer] { timer->stop(); });
      body();
    });
  });
}

TEST(Reactor, ADriverThatLeavesHandsOverToAnotherWhoWaits) {
  Reactor reactor({});
  auto first = completion(), second = completion();
  std::jthread other([&] { reactor.wait(*second); });
  std::jthread driver([&] { reactor.wait(*first); });
  after(reactor, 40ms, [&] { reactor.complete(first); });
  after(reactor, 80ms, [&] { reactor.complete(second); });
}

TEST(Reactor, ADriverThatLeavesHandsOverToTheWatcher) {
  Reactor reactor({});
  auto first = completion();
  std::atomic<bool> second{false};
  after(reactor, 40ms, [&] { reactor.complete(first); });
  after(reactor, 80ms, [&] { second = true; });
  reactor.wait(*first);
  EXPECT_TRUE(becomes_true(second));
}

TEST(Reactor, WithAllThreadsBlockedFurtherTasksAreRefused) {
  Reactor reactor({.slots = 1, .max_threads = 4});
  auto gate = completion();
  std::atomic<int> refused{0}, ended{0};
  for (int i = 0; i < 10; i++) {
    submit(
        reactor,
        [&] {
          reactor.wait(*gate);
          ended++;
        },
        [&] { refused++; });
  }
  EXPECT_TRUE(eventually([&] { return refused == 7; })) << refused;  // one thread stays with the loop
  EXPECT_EQ(ended, 0);
  reactor.complete(gate);
  EXPECT_TRUE(eventually([&] { return ended == 3; }));
  EXPECT_TRUE(run_together(reactor, 1));
}

// None of the blocked threads drives then, as all of them have a deadline.
TEST(Reactor, TheLoopGoesOnWhileAllTasksAreInTimedWaits) {
  Reactor reactor({.slots = 1, .max_threads = 3});
  auto gate = completion();
  std::atomic<int> right{0}, refused{0};
  for (int i = 0; i < 5; i++) {
    submit(
        reactor, [&] { right += reactor.wait(*gate, deadline_after(20s)) == WaitResult::done; }, [&] { refused++; });
  }
  EXPECT_TRUE(eventually([&] { return refused == 3; })) << refused;
  reactor.post([&] { reactor.complete(gate); });
  EXPECT_TRUE(eventually([&] { return right == 2; }));
}

TEST(Reactor, IdleThreadsRetire) {
  Reactor reactor({.slots = 1, .spare_thread_life = 20ms});
  for (int round = 0; round < 3; round++) {
    auto gate = completion();
    std::atomic<int> ended{0};
    for (int i = 0; i < 30; i++) {
      submit(reactor, [&] {
        reactor.wait(*gate);
        ended++;
      });
    }
    EXPECT_TRUE(eventually([&] { return reactor.threads() >= 30; }));
    reactor.complete(gate);
    EXPECT_TRUE(eventually([&] { return ended == 30; }));
    EXPECT_TRUE(eventually([&] { return reactor.threads() <= 3; })) << reactor.threads();
    EXPECT_TRUE(run_together(reactor, 1));
  }
}

TEST(Reactor, GatheredOutputIsFlushedWhileNobodyElseActs) {
  struct Output final : Flushable {
    void flush(bool) override { flushed = true; }
    std::atomic<bool> flushed{false};
  };
  Reactor reactor({.slots = 1});
  for (int i = 0; i < 50; i++) {
    auto output = std::make_shared<Output>();
    auto end = completion();
    submit(reactor, [&] {
      reactor.flush_later(output);
      EXPECT_TRUE(becomes_true(output->flushed));  // behind a function that computes
      reactor.complete(end);
    });
    reactor.wait(*end);  // this thread drives, and sleeps in the loop
  }
}

TEST(Reactor, IsDestroyedWithWorkQueued) {
  struct Posting {  // values in tasks may tell the loop that they are gone
    Posting(Reactor& of, std::shared_ptr<int> with) : reactor(of), token(std::move(with)) {}
    Reactor& reactor;
    const std::shared_ptr<int> token;
    ~Posting() {
      reactor.post([kept = token] {});
    }
  };
  auto token = std::make_shared<int>(0);
  for (int round = 0; round < 50; round++) {
    auto running = std::make_shared<std::atomic<bool>>(false);
    auto reactor = std::make_unique<Reactor>(Reactor::Options{.slots = 1});
    submit(*reactor, [running, &queue = *reactor] {
      becomes_true(*running);
      queue.post([] {});
    });
    for (int i = 0; i < 20; i++) {
      submit(*reactor, [posting = std::make_shared<Posting>(*reactor, token)] {});
      reactor->post([posting = std::make_shared<Posting>(*reactor, token)] {});
    }
    *running = true;
    reactor.reset();
    ASSERT_EQ(token.use_count(), 1) << round;
  }
}

// The slot of a task that was given to a thread, but not begun, is that of a task whose wait has ended.
TEST(Reactor, IsDestroyedWhileATaskWantsItsSlotAgain) {
  for (int round = 0; round < 300; round++) {
    auto reactor = std::make_unique<Reactor>(Reactor::Options{.slots = 1});
    auto gate = completion(), waiting = completion();
    submit(*reactor, [&, &queue = *reactor] {
      queue.complete(waiting);
      queue.wait(*gate);
    });
    reactor->wait(*waiting);
    reactor->complete(gate);
    for (int i = 0; i < 3; i++) submit(*reactor, [] {});
    reactor.reset();
  }
}

// Whoever drives the loop waits for something of its own.
TEST(Reactor, WhatAnOperationThrowsDoesNotReachTheThreadThatDrives) {
  Reactor reactor({});
  auto end = completion();
  reactor.post([] { throw Error("thrown by a test, and to be seen in the log"); }, true);
  reactor.post([] { throw 7; }, true);
  reactor.post([&] { reactor.complete(end); }, true);
  EXPECT_EQ(reactor.wait(*end), WaitResult::done);
}

// As when other threads post faster than the driver runs it.
TEST(Reactor, OperationsWithoutEndLeaveTheLoopToOthers) {
  auto ended = completion();
  std::function<void()> again;
  Reactor reactor({});
  again = [&] {
    if (!ended->done()) reactor.post(again);
  };
  reactor.post([&] {
    reactor.timers().call_at(Clock::now() + 1ms, [&] { reactor.complete(ended); });
    again();
  });
  reactor.wait(*ended);
}

// However many are posted at once.
TEST(Reactor, ManyOperationsLeaveTheLoopToOthers) {
  auto rung = completion(), all = completion();
  int run = 0, run_before_it_rang = 0;
  Reactor reactor({});
  reactor.post([&] {
    reactor.timers().call_at(Clock::now(), [&] {
      run_before_it_rang = run;
      reactor.complete(rung);
    });
    for (int i = 0; i < 100'000; i++) reactor.post([&] { run++; });
    reactor.post([&] { reactor.complete(all); });
  });
  reactor.wait(*rung);
  reactor.wait(*all);
  EXPECT_LT(run_before_it_rang, 10'000);
  EXPECT_EQ(run, 100'000);
}

}  // namespace
}  // namespace cohort::test
