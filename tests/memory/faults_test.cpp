// What happens when processes end, and when the bytes between them do not arrive.

#include <set>

#include "../cluster/captured_stderr.hpp"
#include "memory_test.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using MemoryFaults = MemoryTest;

TEST_P(MemoryFaults, AWorkerThatIsKilledEndsItsCallsAndIsKnownToBeGone) {
  TestCluster cluster(3, {}, wire());
  const auto running = remotecall([] { eventually([] { return this_call().stop_requested(); }, 1s); }, 2);
  const Future<int> open(2);
  cluster.kill(2);
  EXPECT_THROW(running.fetch(), ProcessExitedException);
  EXPECT_THROW(open.fetch(), ProcessExitedException);
  EXPECT_THROW(remotecall_fetch([] { return 0; }, 2), ProcessExitedException);
  EXPECT_TRUE(eventually([] { return workers() == std::vector<Pid>{3, 4}; }));
  EXPECT_TRUE(eventually([] { return remotecall_fetch([] { return nprocs(); }, 3) == 3; }));
}

TEST_P(MemoryFaults, WhatIsNotThereCannotBeHarmed) {
  TestCluster cluster(1, {}, wire());
  EXPECT_THROW(cluster.kill(1), Error);
  EXPECT_THROW(cluster.kill(7), Error);
  EXPECT_THROW(cluster.cut(2, 3), Error);
  EXPECT_THROW(cluster.add(-1), ConfigError);
  EXPECT_THROW(cluster.advance(-1s), ConfigError);
  EXPECT_THROW(cluster.advance(never), ConfigError);
  EXPECT_EQ(remotecall_fetch([] { return 5; }, 2), 5);
}

TEST_P(MemoryFaults, AMapGoesOnWithoutTheKilled) {
  TestCluster cluster(3, {}, wire());
  bool killed = false;
  const auto squares = pmap([](int x) { return x * x; }, range(1, 500),
                            {.retry_delays = {0s, 0s}, .progress = [&](std::size_t done, std::size_t) {
                               if (done > 50 && !std::exchange(killed, true)) cluster.kill(3);
                             }});
  for (int i = 1; i <= 500; i++) EXPECT_EQ(squares[static_cast<std::size_t>(i - 1)], i * i);
}

TEST_P(MemoryFaults, AStallIsSurvivedUntilTheWorkerIsGivenUp) {
  CapturedStderr log;
  TestCluster cluster(2, {}, wire());
  cluster.stall(1, 2);
  const auto waiting = remotecall([] { return 7; }, 2);
  cluster.advance(59s);
  EXPECT_TRUE(log.has("process 2 is suspect: no answer for 15 s")) << log.text();
  EXPECT_FALSE(log.has("process 3"));
  EXPECT_EQ(workers(), (std::vector<Pid>{2, 3}));
  cluster.resume(1, 2);
  EXPECT_EQ(waiting.fetch(), 7);
  cluster.stall(1, 2);
  cluster.advance(66s);
  EXPECT_TRUE(
      contains(thrown_by<ProcessExitedException>([] { remotecall_fetch([] { return 0; }, 2); }), "no answer for"));
  EXPECT_EQ(workers(), std::vector<Pid>{3});
}

TEST_P(MemoryFaults, DeadlinesPassWhenTheClockIsMovedForward) {
  TestCluster cluster(1, {}, wire());
  const RemoteChannel<int> channel(1, 2);
  const Deadline late = 2h;
  const auto local = async([=] { return thrown_by<TimeoutError>([&] { channel.take({.deadline = late}); }); });
  const auto there = remotecall(
      [](const RemoteChannel<int>& items) { return thrown_by<TimeoutError>([&] { items.take({.deadline = 1h}); }); }, 2,
      channel);
  cluster.advance(1h);
  EXPECT_FALSE(local.is_ready());
  cluster.advance(1h);
  EXPECT_NE(local.fetch(), "");
  EXPECT_TRUE(eventually([&] {
    cluster.advance(1h);  // it may have begun to wait only now
    return there.is_ready();
  }));
  EXPECT_NE(there.fetch(), "");
  EXPECT_EQ(remotecall_fetch([] { return 3; }, 2), 3);
}

TEST_P(MemoryFaults, WorkersThatLoseEachOtherConnectAgain) {
  TestCluster cluster(2, {}, wire());
  const auto ask = [] {
    return remotecall_fetch([](Pid other) { return remotecall_fetch([] { return myid(); }, other); }, 2, 3);
  };
  EXPECT_EQ(ask(), 3);
  cluster.cut(2, 3);
  EXPECT_TRUE(eventually([&] { return thrown_by([&] { ask(); }).empty(); }));
  EXPECT_EQ(workers().size(), 2u);
}

TEST_P(MemoryFaults, WhoIsCutOffFromTheMasterIsGone) {
  TestCluster cluster(2, {}, wire());
  cluster.cut(1, 3);
  EXPECT_TRUE(eventually([] { return workers() == std::vector<Pid>{2}; }));
  EXPECT_THROW(remotecall_fetch([] { return remotecall_fetch([] { return 0; }, 3); }, 2), RemoteException);
}

COHORT_OVER_EACH_WIRE(MemoryFaults);

TEST(MemoryTopologies, ConnectWhomTheyNameAndNobodyElse) {
  for (const char* topology : {"all_to_all", "master_worker", "ring", "grid:2x2", "tree:2", "hypercube"}) {
    AddprocsOptions options;
    options.topology = topology;
    TestCluster cluster(4, options);
    int connected = 0;
    for (const Pid from : workers())
      for (const Pid to : workers()) {
        if (from == to) continue;
        const auto text = thrown_by([&] {
          remotecall_fetch([](Pid other) { return remotecall_fetch([] { return myid(); }, other); }, from, to);
        });
        EXPECT_TRUE(text.empty() || contains(text, "is not connected to")) << text;
        connected += text.empty();
      }
    const std::string name = topology;
    EXPECT_EQ(connected, name == "all_to_all" ? 12 : name == "master_worker" ? 0 : name == "tree:2" ? 6 : 8) << name;
  }
}

}  // namespace
}  // namespace cohort::test
