// Workers that leave when they have finished.

#include <array>
#include <atomic>
#include <latch>
#include <optional>
#include <vector>

#include "memory_test.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

TEST(MemoryDrain, NothingIsLostOrDoneTwiceWhenOneOfFourLeavesAMap) {
  static std::array<std::atomic<int>, 400> times;
  for (auto& each : times) each = 0;
  TestCluster cluster(4);
  Future<void> drained;
  const auto squares = pmap(
      [](int x) {
        times[static_cast<std::size_t>(x)]++;
        return x * x;
      },
      range(0, 399), {.progress = [&](std::size_t done, std::size_t) {
        if (done > 50 && !drained.valid()) drained = async([] { drain({3}); });
      }});
  drained.fetch();
  EXPECT_EQ(workers(), (std::vector<Pid>{2, 4, 5}));
  for (int i = 0; i < 400; i++) {
    EXPECT_EQ(squares[static_cast<std::size_t>(i)], i * i);
    EXPECT_EQ(times[static_cast<std::size_t>(i)], 1) << i;
  }
}

TEST(MemoryDrain, ValuesMoveToTheProcessesThatHoldThem) {
  static std::atomic<bool> go_on;
  go_on = false;
  TestCluster cluster(2);
  const auto large = [] { return std::vector<int>(100'000, 7); };
  const auto there = remotecall(large, 2);
  there.wait();  // the value stays on worker 2
  static std::optional<Future<std::vector<int>>> on_third;
  remotecall_fetch([](const Future<std::vector<int>>& held) { on_third.emplace(held); }, 3, there);
  const auto later = remotecall(
      [] {
        eventually([] { return go_on.load(); });
        return std::vector<int>(100'000, 8);
      },
      2);
  const auto drained = async([] { drain({2}); });
  EXPECT_TRUE(eventually([] { return nworkers() == 1; }));
  go_on = true;
  drained.fetch();
  EXPECT_EQ(procs(), (std::vector<Pid>{1, 3}));
  EXPECT_EQ(there.fetch().back(), 7);
  EXPECT_EQ(later.fetch().back(), 8);
  EXPECT_EQ(remotecall_fetch([] { return on_third->fetch().back(); }, 3), 7);
  remotecall_fetch([] { on_third.reset(); }, 3);
}

TEST(MemoryDrain, AtItsDeadlineAWorkerMayBeRemovedWithACause) {
  TestCluster cluster(1);
  const auto running = remotecall([] { eventually([] { return this_call().stop_requested(); }); }, 2);
  drain({2}, {.deadline = 30ms, .cause = "walltime", .remove_at_deadline = true});
  EXPECT_EQ(nprocs(), 1);
  const auto told = thrown_by<ProcessExitedException>([&] { running.fetch(); });
  EXPECT_TRUE(contains(told, "walltime")) << told;
}

TEST(MemoryDrain, WhatOthersHoldStaysUntilTheyReleaseIt) {
  TestCluster cluster(2);
  std::optional<RemoteChannel<int>> channel(std::in_place, 10, 2);
  channel->put(5);
  const auto told = thrown_by<TimeoutError>([] { drain({2}, {.deadline = 30ms}); });
  EXPECT_TRUE(contains(told, "drain: pids [2] have not finished in time, and are used again")) << told;
  EXPECT_TRUE(contains(told, "worker 2: 1 value there is held by process 1")) << told;
  EXPECT_EQ(workers(), (std::vector<Pid>{2, 3}));
  const auto drained = async([] { drain({2}); });
  EXPECT_TRUE(eventually([] { return workers() == std::vector<Pid>{3}; }));
  EXPECT_TRUE(eventually([] { return remotecall_fetch([] { return workers(); }, 3) == std::vector<Pid>{3}; }));
  EXPECT_EQ(channel->take(), 5);
  EXPECT_FALSE(drained.is_ready());
  channel.reset();
  drained.fetch();
  EXPECT_THROW(remotecall_fetch([] { return 0; }, 2), ProcessExitedException);
}

TEST(MemoryDrain, FunctionsThatRunAreWaitedFor) {
  static std::atomic<bool> go_on;
  go_on = false;
  TestCluster cluster(2);
  const auto running = remotecall([] { return eventually([] { return go_on.load(); }) ? 3 : 0; }, 2);
  EXPECT_TRUE(
      contains(thrown_by<TimeoutError>([] { drain({2}, {.deadline = 30ms}); }), "1 function runs or waits there"));
  EXPECT_EQ(nworkers(), 2);
  const auto drained = async([] { drain({2}); });
  EXPECT_TRUE(eventually([] { return nworkers() == 1; }));
  EXPECT_EQ(remotecall_fetch([] { return 4; }, 3), 4);
  go_on = true;
  EXPECT_EQ(running.fetch(), 3);
  drained.fetch();
  EXPECT_EQ(nprocs(), 2);
}

TEST(MemoryDrain, TwoAtOnceAreNotMixedUp) {
  TestCluster cluster(2);
  std::optional<RemoteChannel<int>> channel(std::in_place, 10, 2);
  const auto drained = async([] { drain({2}); });
  EXPECT_TRUE(eventually([] { return nworkers() == 1; }));
  EXPECT_TRUE(contains(thrown_by<Error>([] {
                         drain({2, 3}, {.deadline = 10ms});
                       }),
                       "process 2 is being drained already"));
  EXPECT_EQ(workers(), std::vector<Pid>{3});
  EXPECT_FALSE(drained.is_ready());
  channel.reset();
  drained.fetch();
  EXPECT_EQ(nprocs(), 2);
}

TEST(MemoryDrain, AWorkerThatJoinsMeanwhileDoesNotUseIt) {
  TestCluster cluster(1);
  std::optional<RemoteChannel<int>> channel(std::in_place, 10, 2);
  const auto drained = async([] { drain({2}); });
  EXPECT_TRUE(eventually([] { return nprocs() == 1; }));
  cluster.add(1);
  EXPECT_EQ(remotecall_fetch([] { return workers(); }, 3), std::vector<Pid>{3});
  channel.reset();
  drained.fetch();
}

TEST(MemoryDrain, OneThatDiesMeanwhileIsGone) {
  TestCluster cluster(2);
  const RemoteChannel<int> channel(10, 2);
  const auto drained = async([] { drain({2}); });
  EXPECT_TRUE(eventually([] { return nworkers() == 1; }));
  cluster.kill(2);
  drained.fetch();
  EXPECT_EQ(workers(), std::vector<Pid>{3});
  EXPECT_THROW(drain({1}), Error);
  EXPECT_NO_THROW(drain({2, 77})) << "as rmprocs()";
}

}  // namespace
}  // namespace cohort::test
