#include <atomic>
#include <numeric>
#include <set>
#include <stdexcept>

#include "memory_test.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using MemoryCalls = MemoryTest;

TEST_P(MemoryCalls, RunWhereTheyAreSentAndReturn) {
  TestCluster cluster(3, {}, wire());
  EXPECT_EQ(workers(), (std::vector<Pid>{2, 3, 4}));
  for (const Pid from : procs())
    for (const Pid to : procs()) {
      const auto ask = [](Pid other) { return remotecall_fetch([] { return myid(); }, other); };
      EXPECT_EQ(remotecall_fetch(ask, from, to), to) << from;
    }
  const std::string text(10'000, 'x');
  EXPECT_EQ(remotecall_fetch([](const std::string& all) { return all + "y"; }, 3, text), text + "y");
  std::vector<double> numbers(100'000);
  std::iota(numbers.begin(), numbers.end(), 0);
  EXPECT_EQ(remotecall_fetch([](const std::vector<double>& all) { return all; }, 2, numbers), numbers);
}

TEST_P(MemoryCalls, WhatIsThrownArrives) {
  TestCluster cluster(1, {}, wire());
  try {
    remotecall_fetch([]() -> int { throw std::out_of_range("too far"); }, 2);
    FAIL();
  } catch (const RemoteException& error) {
    EXPECT_EQ(error.worker(), 2);
    EXPECT_EQ(error.message(), "too far");
    EXPECT_THROW(std::rethrow_exception(error.cause()), std::out_of_range);
  }
}

TEST_P(MemoryCalls, AFutureIsOneWhoeverHoldsIt) {
  TestCluster cluster(3, {}, wire());
  const auto made = remotecall([](int x) { return std::vector<int>(1000, x); }, 2, 5);
  EXPECT_EQ(remotecall_fetch([](const Future<std::vector<int>>& all) { return all.fetch()[999]; }, 3, made), 5);
  const Future<int> open(4);
  remote_do([](const Future<int>& here) { here.put(8); }, 3, open);
  EXPECT_EQ(open.fetch(), 8);
  EXPECT_THROW(open.put(9), Error);
}

TEST_P(MemoryCalls, ADeadlineEndsTheCallAndTheFunctionLearnsOfIt) {
  static std::atomic<bool> called_off;
  called_off = false;
  TestCluster cluster(1, {}, wire());
  EXPECT_THROW(remotecall_fetch(
                   {.deadline = 20ms},
                   [] {
                     called_off = eventually([] { return this_call().stop_requested(); });
                     return 0;
                   },
                   2),
               TimeoutError);
  EXPECT_TRUE(eventually([] { return called_off.load(); }));
}

TEST_P(MemoryCalls, AMapUsesAllWorkersAndKeepsTheOrder) {
  TestCluster cluster(3, {}, wire());
  const auto results = pmap([](int x) { return std::pair(x * x, myid()); }, range(1, 300));
  std::set<Pid> who;
  for (int i = 0; i < 300; i++) {
    EXPECT_EQ(results[static_cast<std::size_t>(i)].first, (i + 1) * (i + 1));
    who.insert(results[static_cast<std::size_t>(i)].second);
  }
  EXPECT_EQ(who, (std::set<Pid>{2, 3, 4}));
  EXPECT_EQ(distributed_reduce(std::plus<>(), range(1, 1000), [](int i) { return i; }), 500'500);
}

TEST_P(MemoryCalls, ChannelsPassItemsInOrder) {
  TestCluster cluster(2, {}, wire());
  RemoteChannel<int> jobs(4, 2);
  RemoteChannel<int> results(1000, 3);
  remote_do(
      [](const RemoteChannel<int>& from, const RemoteChannel<int>& to) {
        for (int i = 0; i < 100; i++) to.put(from.take() * 2);
      },
      3, jobs, results);
  for (int i = 0; i < 100; i++) jobs.put(i);
  for (int i = 0; i < 100; i++) EXPECT_EQ(results.take(), 2 * i);
}

COHORT_OVER_EACH_WIRE(MemoryCalls);

}  // namespace
}  // namespace cohort::test
