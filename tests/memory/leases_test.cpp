// Items of channels that are taken on condition.

#include <set>
#include <vector>

#include "memory_test.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using MemoryLeases = MemoryTest;

void work_off(const RemoteChannel<int>& jobs, const RemoteChannel<int>& results) {
  try {
    for (;;) {
      auto job = jobs.take_leased();
      results.put(*job);
      job.acknowledge();
    }
  } catch (const ChannelClosedError&) {
  }
}

TEST_P(MemoryLeases, AnItemThatIsNotAcknowledgedGoesBackToTheFront) {
  TestCluster cluster(1, {}, wire());
  for (const Pid owner : procs()) {
    RemoteChannel<std::string> channel(unlimited, owner);
    channel.put_all({"one", "two", "three"});
    {
      const auto first = channel.take_leased();
      const auto second = channel.take_leased();
      EXPECT_EQ(*first + *second, "onetwo");
      EXPECT_EQ(channel.size(), 1u);
    }
    EXPECT_TRUE(eventually([&] { return channel.size() == 3; }));
    auto again = channel.take_leased();
    EXPECT_EQ(*again, "one");
    again.acknowledge();
    again.acknowledge();
    EXPECT_EQ(channel.take(), "two");
    EXPECT_EQ(channel.take(), "three");
    EXPECT_THROW(channel.take_leased({.deadline = 1ms}), TimeoutError);
  }
}

TEST_P(MemoryLeases, AClosedChannelIsNotAtItsEndWhileItemsAreLeased) {
  TestCluster cluster(1, {}, wire());
  for (const Pid owner : procs()) {
    RemoteChannel<int> channel(unlimited, owner);
    channel.put_all({1, 2});
    channel.close();
    EXPECT_EQ(channel.take(), 1);
    auto last = std::make_unique<Leased<int>>(channel.take_leased());
    const auto waiting = async([channel] { return channel.take(); });
    EXPECT_THROW(waiting.wait({.deadline = 20ms}), TimeoutError);
    last.reset();
    EXPECT_EQ(waiting.fetch(), 2);
    EXPECT_THROW(channel.take_leased(), ChannelClosedError);
  }
}

TEST_P(MemoryLeases, WhatIsMovedIsLeasedOnce) {
  TestCluster cluster(1, {}, wire());
  RemoteChannel<int> channel(unlimited, 2);
  channel.put_all({1, 2, 3});
  auto one = channel.take_leased();
  auto two = channel.take_leased();
  one = std::move(two);  // 1 goes back
  EXPECT_EQ(*one, 2);
  one.acknowledge();
  EXPECT_TRUE(eventually([&] { return channel.size() == 2; }));
  EXPECT_EQ(channel.take(), 1);
  EXPECT_EQ(channel.take(), 3);
}

TEST_P(MemoryLeases, ThoseOfAWorkerThatIsKilledGoBackInTheirOrder) {
  TestCluster cluster(2, {}, wire());
  RemoteChannel<int> jobs(unlimited);
  jobs.put_all({1, 2, 3, 4});
  const RemoteChannel<bool> held(unlimited);
  remote_do(
      [](const RemoteChannel<int>& from, const RemoteChannel<bool>& told) {
        const auto first = from.take_leased(), second = from.take_leased();
        told.put(true);
        eventually([] { return this_call().stop_requested(); }, 1s);
      },
      2, jobs, held);
  held.take();
  cluster.kill(2);
  EXPECT_TRUE(eventually([&] { return jobs.size() == 4; }));
  for (int i = 1; i <= 4; i++) EXPECT_EQ(jobs.take(), i);
}

// The taker lives, but does not know what it got: the owner must not wait for it.
TEST_P(MemoryLeases, ThoseOfALostConnectionGoBack) {
  TestCluster cluster(2, {}, wire());
  RemoteChannel<int> jobs(unlimited, 3);
  jobs.put(1);
  const RemoteChannel<bool> held(unlimited), go_on(unlimited);
  const auto done = remotecall(
      [](const RemoteChannel<int>& from, const RemoteChannel<bool>& told, const RemoteChannel<bool>& word) {
        auto job = from.take_leased();
        told.put(true);
        word.take();
        job.acknowledge();  // of a lease that has ended
      },
      2, jobs, held, go_on);
  held.take();
  cluster.cut(2, 3);
  EXPECT_TRUE(eventually([&] { return jobs.size() == 1; }));
  go_on.put(true);
  done.fetch();
  EXPECT_EQ(jobs.take(), 1);
}

TEST_P(MemoryLeases, NothingIsLostWithSixOfSevenConsumers) {
  const int items = GetParam() == 0 ? 20'000 : 2'000;
  TestCluster cluster(7, {}, wire());
  RemoteChannel<int> jobs(unlimited), results(unlimited);
  std::vector<int> all(static_cast<std::size_t>(items));
  for (int i = 0; i < items; i++) all[static_cast<std::size_t>(i)] = i;
  jobs.put_all(all);
  jobs.close();
  std::vector<Future<void>> consumers;
  for (const Pid pid : cluster.workers()) consumers.push_back(remotecall(fn<work_off>, pid, jobs, results));
  for (int killed = 0; killed < 6; killed++) {
    EXPECT_TRUE(eventually([&] { return results.size() >= static_cast<std::size_t>((killed + 1) * items / 10); }));
    cluster.kill(cluster.workers()[static_cast<std::size_t>(killed)]);
  }
  consumers.back().fetch();
  results.close();
  std::set<int> seen;
  for (const int result : results) seen.insert(result);
  EXPECT_EQ(seen.size(), all.size());
}

COHORT_OVER_EACH_WIRE(MemoryLeases);

}  // namespace
}  // namespace cohort::test
