// Messages between workers that the topology does not connect, where they go through the master.

#include <signal.h>
#include <unistd.h>

#include <numeric>
#include <thread>

#include "cluster_test.hpp"
#include "connections.hpp"
#include "processes.hpp"

namespace cohort::test {
namespace {

class RelayTest : public ClusterTest {
 protected:
  static std::vector<Pid> add(int count, const std::string& topology = "master_worker") {
    return addprocs(count, {.topology = topology, .unconnected = Unconnected::relay});
  }

  void TearDown() override {
    // That to one that died is closed a moment after it is no member any more.
    EXPECT_TRUE(eventually([] { return !connections_are_sockets || connections_here() == nworkers(); }))
        << connections_here() << " connections to " << nworkers() << " workers";
    ClusterTest::TearDown();
  }
};

std::vector<int> numbers(int count) {
  std::vector<int> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

TEST_F(RelayTest, EveryPairCanTalk) {
  add(4);
  for (const Pid from : workers())
    for (const Pid to : workers()) EXPECT_EQ(ask(from, to), to);
  expect_connections_of_workers(4);
}

TEST_F(RelayTest, ConnectedOnesTalkDirectly) {
  const auto pids = add(4, "ring");
  for (const Pid from : pids)
    for (const Pid to : pids) EXPECT_EQ(ask(from, to), to);
  expect_connections_of_workers(4 + 2 * 4);
}

TEST_F(RelayTest, CallsBackAndForthDoNotBlockEachOther) {
  const auto pids = add(2);
  // 2 calls 3, which calls 2 meanwhile.
  const auto nested = [](Pid other, Pid self) {
    return remotecall_fetch([](Pid back) { return remotecall_fetch([] { return myid(); }, back); }, other, self);
  };
  EXPECT_EQ(remotecall_fetch(nested, pids[0], pids[1], pids[0]), pids[0]);
}

TEST_F(RelayTest, LargeArgumentsAndResultsArrive) {
  const auto pids = add(2);
  // More than a tunnel holds at once, both ways at once.
  const auto echo = [](Pid other, int count) {
    return remotecall_fetch([](std::vector<int> values) { return values; }, other, numbers(count)) == numbers(count);
  };
  auto there = remotecall(echo, pids[0], pids[1], 8'000'000);
  auto back = remotecall(echo, pids[1], pids[0], 8'000'000);
  EXPECT_TRUE(there.fetch());
  EXPECT_TRUE(back.fetch());
}

TEST_F(RelayTest, ManyConcurrentFirstCallsFromBothSides) {
  const auto pids = add(2);
  const auto calls = [](Pid other) {
    int right = 0;
    std::vector<Future<int>> futures;
    for (int i = 0; i < 500; i++) futures.push_back(remotecall([](int n) { return n + 1; }, other, i));
    for (int i = 0; i < 500; i++) right += futures[static_cast<std::size_t>(i)].fetch() == i + 1;
    return right;
  };
  auto there = remotecall(calls, pids[0], pids[1]);
  auto back = remotecall(calls, pids[1], pids[0]);
  EXPECT_EQ(there.fetch(), 500);
  EXPECT_EQ(back.fetch(), 500);
}

TEST_F(RelayTest, ExceptionsNameTheWorker) {
  const auto pids = add(2);
  const std::string error = thrown_by<RemoteException>([&] {
    remotecall_fetch([](Pid other) { remotecall_fetch([] { throw std::runtime_error("no such luck"); }, other); },
                     pids[0], pids[1]);
  });
  EXPECT_TRUE(contains(error, "no such luck")) << error;
}

TEST_F(RelayTest, StoredValuesAreFetchedAndReleased) {
  const auto pids = add(3);
  {
    // Made by 2, kept by 3, fetched by 4.
    auto made = remotecall_fetch([](Pid owner) { return remotecall([] { return numbers(100'000); }, owner); }, pids[0],
                                 pids[1]);
    const auto sum = [](Future<std::vector<int>> values) {
      const auto fetched = values.fetch();
      return std::accumulate(fetched.begin(), fetched.end(), 0L);
    };
    EXPECT_EQ(remotecall_fetch(sum, pids[2], made), 100'000L * 99'999 / 2);
    EXPECT_EQ(made.fetch().size(), 100'000u);
  }
  for (const Pid pid : pids) EXPECT_TRUE(eventually([&] { return reference_count(pid) == 0; })) << pid;
}

TEST_F(RelayTest, ChannelsWork) {
  const auto pids = add(3);
  {
    RemoteChannel<std::vector<int>> channel(2, pids[0]);
    auto put = remotecall(
        [](RemoteChannel<std::vector<int>> to) {
          for (int i = 0; i < 50; i++) to.put(numbers(i));
          to.close();
        },
        pids[1], channel);
    auto taken = remotecall(
        [](RemoteChannel<std::vector<int>> from) {
          std::size_t sizes = 0;
          for (const auto& values : from) sizes += values.size();
          return sizes;
        },
        pids[2], channel);
    put.fetch();
    EXPECT_EQ(taken.fetch(), 49u * 50 / 2);
  }
  for (const Pid pid : pids) EXPECT_TRUE(eventually([&] { return reference_count(pid) == 0; })) << pid;
}

TEST_F(RelayTest, TheDeathOfAPeerEndsTheCallsToIt) {
  const auto pids = add(3);
  auto waiting = remotecall(
      [](Pid other) {
        try {
          remotecall_fetch([] { kill(getpid(), SIGKILL); }, other);
        } catch (const ProcessExitedException& error) {
          return error.worker_id();
        }
        return no_pid;
      },
      pids[0], pids[1]);
  EXPECT_EQ(waiting.fetch(), pids[1]);
  EXPECT_EQ(ask(pids[0], pids[2]), pids[2]);
  EXPECT_EQ(ask(pids[2], pids[0]), pids[0]);
  const auto again = thrown_by<RemoteException>([&] { ask(pids[2], pids[1]); });
  EXPECT_NE(again, "");
  EXPECT_TRUE(eventually([] { return nworkers() == 2; }));
}

TEST_F(RelayTest, OneThatDoesNotReadStopsNobodyElse) {
  const auto pids = add(3);
  EXPECT_EQ(ask(pids[0], pids[1]), pids[1]);
  const int stopped = remotecall_fetch([] { return static_cast<int>(getpid()); }, pids[1]);
  ASSERT_TRUE(stop_process(stopped));
  auto stuck = remotecall(
      [](Pid other) {
        return remotecall_fetch([](std::vector<int> values) { return values.size(); }, other, numbers(4'000'000));
      },
      pids[0], pids[1]);
  EXPECT_EQ(ask(pids[2], pids[0]), pids[0]);
  EXPECT_EQ(ask(pids[0], pids[2]), pids[2]);
  EXPECT_FALSE(stuck.is_ready());
  kill(stopped, SIGCONT);
  EXPECT_EQ(stuck.fetch(), 4'000'000u);
}

}  // namespace
}  // namespace cohort::test
