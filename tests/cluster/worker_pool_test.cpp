// Group P: pools of workers.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "cluster_test.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using WorkerPoolTest = ClusterTest;
using CachingPoolTest = ClusterTest;

TEST_F(WorkerPoolTest, WithoutWorkersTheDefaultPoolGivesThisProcess) {
  EXPECT_EQ(default_worker_pool().take(), 1);
  EXPECT_EQ(default_worker_pool().workers(), std::vector<Pid>{1});
  EXPECT_EQ(default_worker_pool().length(), 1u);
  EXPECT_EQ(remote([] { return myid(); })(), 1);
}

std::vector<Pid> ascending(std::vector<Pid> pids) {
  std::sort(pids.begin(), pids.end());
  return pids;
}

TEST_F(WorkerPoolTest, TheDefaultPoolFollowsWhoJoinsAndLeaves) {
  const auto pool = default_worker_pool();
  addprocs(2);
  EXPECT_EQ(ascending(pool.workers()), (std::vector<Pid>{2, 3}));  // they come in any order
  addprocs(1);
  EXPECT_EQ(ascending(pool.workers()), (std::vector<Pid>{2, 3, 4}));
  rmprocs(3);
  EXPECT_EQ(pool.workers(), (std::vector<Pid>{2, 4}));
  EXPECT_EQ(pool.take(), 2);
  EXPECT_EQ(pool.take(), 4);
  pool.put(4);
  pool.put(2);
  EXPECT_TRUE(eventually([] {  // the workers hear of removals a little later
    return remotecall_fetch([] { return default_worker_pool().workers(); }, 2) == std::vector<Pid>{2, 4};
  }));
}

TEST_F(WorkerPoolTest, WorkersAreTakenInTheOrderOfTheirReturn) {
  addprocs(3);
  const WorkerPool pool({2, 3, 4});
  EXPECT_EQ(pool.take(), 2);
  EXPECT_EQ(pool.take(), 3);
  EXPECT_TRUE(pool.is_ready());
  EXPECT_EQ(pool.take(), 4);
  EXPECT_FALSE(pool.is_ready());
  EXPECT_EQ(pool.length(), 3u);
  pool.put(3);
  pool.put(2);
  pool.put(2);   // already there
  pool.put(99);  // not of this pool
  EXPECT_EQ(pool.take(), 3);
  EXPECT_EQ(pool.take(), 2);
  EXPECT_FALSE(pool.is_ready());
}

TEST_F(WorkerPoolTest, TakeWaitsUntilOneIsPutBackOrAdded) {
  addprocs(2);
  const WorkerPool pool({2});
  EXPECT_EQ(pool.take(), 2);
  EXPECT_THROW(pool.take({.deadline = 10ms, .stop_token = {}}), TimeoutError);
  EXPECT_THROW(pool.wait({.deadline = 10ms, .stop_token = {}}), TimeoutError);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(pool.take({.deadline = {}, .stop_token = stop.get_token()}), CancelledException);
  {
    std::atomic<Pid> taken = no_pid;
    std::jthread taker([&] { taken = pool.take(); });
    pool.put(2);
    taker.join();
    EXPECT_EQ(taken, 2);
  }
  std::jthread taker([&] { EXPECT_EQ(pool.take(), 3); });
  pool.push(3);
  taker.join();
  EXPECT_EQ(pool.workers(), (std::vector<Pid>{2, 3}));
}

TEST_F(WorkerPoolTest, TheDeadAreNeverHandedOut) {
  addprocs(3);
  const WorkerPool pool({2, 3});
  EXPECT_THROW(remotecall_fetch([] { kill(getpid(), SIGKILL); }, 2), ProcessExitedException);
  EXPECT_EQ(pool.take(), 3);
  EXPECT_FALSE(pool.is_ready());
  std::jthread taker([&] { EXPECT_EQ(thrown_by([&] { pool.take(); }), "No active worker available in pool"); });
  rmprocs(3);
  taker.join();
  EXPECT_EQ(pool.length(), 0u);
  EXPECT_THROW(pool.take(), Error);
  pool.push(2);  // gone long ago
  EXPECT_EQ(pool.length(), 0u);
  EXPECT_THROW(WorkerPool({2}).take(), Error);
}

TEST_F(WorkerPoolTest, ACallHoldsItsWorkerUntilItsResultIsThere) {
  addprocs(2);
  const WorkerPool pool({2, 3});
  Future<int> gate(myid());
  auto first = remotecall([](const Future<int>& g) { return g.fetch() + myid(); }, pool, gate);
  auto second = remotecall([](const Future<int>& g) { return g.fetch() + myid(); }, pool, gate);
  EXPECT_FALSE(pool.is_ready());
  gate.put(100);
  EXPECT_EQ(first.fetch() + second.fetch(), 205);
  EXPECT_TRUE(eventually([&] { return pool.is_ready(); }));
  EXPECT_THROW(remotecall_fetch([] { throw std::runtime_error("no"); }, pool), RemoteException);
  auto failing = remotecall([] { throw std::runtime_error("no"); }, pool);
  EXPECT_THROW(failing.fetch(), RemoteException);
  const auto on_some = remote([](int x) { return x * myid(); }, pool);
  for (int i = 0; i < 10; i++) EXPECT_GE(on_some(1), 2);
  remote_do([] {}, pool);
  EXPECT_TRUE(eventually([&] { return pool.is_ready(); }));
}

TEST_F(WorkerPoolTest, AWorkerThatDiesInACallIsNotPutBack) {
  addprocs(2);
  const WorkerPool pool({2, 3});
  EXPECT_THROW(remotecall_fetch([] { kill(getpid(), SIGKILL); }, pool), ProcessExitedException);
  EXPECT_EQ(pool.workers(), std::vector<Pid>{3});
  for (int i = 0; i < 3; i++) EXPECT_EQ(remotecall_fetch([] { return myid(); }, pool), 3);
}

// Counts its arrivals in the process.
struct Counted {
  std::vector<double> values;
  static std::atomic<int>& arrivals() {
    static std::atomic<int> count = 0;
    return count;
  }
  void save(OutArchive& archive) const { archive(values); }
  void load(InArchive& archive) {
    archive(values);
    arrivals()++;
  }
};
int arrivals_at(Pid pid) {
  return remotecall_fetch([] { return Counted::arrivals().load(); }, pid);
}

TEST_F(CachingPoolTest, ACapturedValueTravelsOnceToEachWorker) {
  addprocs(2);
  const CachingPool pool({2, 3});
  using Product = std::pair<Pid, int>;  // and who computed it: which workers take part is up to the pool
  const auto times = [](const Counted& c, int i) { return Product(myid(), c.values[1] * i); };
  const auto f = capture(Counted{{1, 2, 3}}, times);
  std::map<Pid, int> expected;
  for (int round = 1; round <= 2; round++) {
    std::vector<Product> products = pmap(f, range(1, 100), {.pool = pool});
    EXPECT_EQ(products[99].second, 200);
    for (int i = 0; i < 4; i++) products.push_back(remotecall_fetch(f, pool, 5));
    products.push_back(remotecall(f, pool, 6).fetch());
    EXPECT_EQ(products.back().second, 12);
    std::set<Pid> used;
    for (const auto& [pid, value] : products) used.insert(pid);
    for (const Pid pid : used) expected[pid]++;
    EXPECT_EQ(arrivals_at(2), expected[2]);
    EXPECT_EQ(arrivals_at(3), expected[3]);
    clear(pool);
  }
  // The same content in another object is the same; another content is not.
  for (const std::vector<double>& values : {std::vector{1., 2., 3.}, std::vector{4., 5.}}) {
    const int before = arrivals_at(2) + arrivals_at(3);
    std::set<Pid> used;
    for (int i = 0; i < 4; i++) used.insert(remotecall_fetch(capture(Counted{values}, times), pool, 1).first);
    EXPECT_EQ(arrivals_at(2) + arrivals_at(3), before + static_cast<int>(used.size()));
  }
}

TEST_F(CachingPoolTest, WhatItSentIsFreedWithThePoolAndAfterAMap) {
  addprocs(1);
  struct Alive {
    int value = 0;
    std::shared_ptr<int> token;
    static std::atomic<int>& count() {
      static std::atomic<int> alive = 0;
      return alive;
    }
    void save(OutArchive& archive) const { archive(value); }
    void load(InArchive& archive) {
      archive(value);
      count()++;
      token.reset(new int, [](int* p) {
        delete p;
        count()--;
      });
    }
  };
  const auto alive = [] { return remotecall_fetch([] { return Alive::count().load(); }, 2); };
  const auto f = capture(Alive{7, nullptr}, [](const Alive& a) { return a.value; });
  {
    const CachingPool pool({2});
    EXPECT_EQ(remotecall_fetch(f, pool), 7);
    EXPECT_EQ(remotecall_fetch(f, pool), 7);
    EXPECT_EQ(alive(), 1);
  }
  EXPECT_EQ(alive(), 0);
  pmap(capture(Alive{7, nullptr}, [](const Alive& a, int i) { return a.value * i; }), range(1, 10));
  EXPECT_EQ(alive(), 0);
}

// What the kernel sent on this process's TCP connections.
std::uint64_t bytes_sent() {
  std::uint64_t sum = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (getsockopt(std::stoi(entry.path().filename()), IPPROTO_TCP, TCP_INFO, &info, &size) == 0)
      sum += info.tcpi_bytes_sent - info.tcpi_bytes_retrans;
  }
  return sum;
}

TEST_F(CachingPoolTest, AMapSendsALargeCaptureOnceToEachWorker) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr std::size_t megabytes = 4;
#else
  constexpr std::size_t megabytes = 100;
#endif
  addprocs(ClusterFile::parse(R"({
    "version": 1, "managers": [{"plugin": "local", "count": 2}],
    "transport": {"plugin": "tcp", "options": {"same_host": "tcp"}}})",
                              "test"));
  const std::vector<double> large(megabytes * 1'000'000 / sizeof(double), 1.0);
  const std::uint64_t before = bytes_sent();
  const auto results = pmap(capture(large, [](const std::vector<double>& v, std::size_t i) { return v[i] * 2; }),
                            range(std::size_t{0}, std::size_t{999}));
  EXPECT_EQ(results, std::vector<double>(1000, 2.0));
  const std::uint64_t sent = bytes_sent() - before;
  EXPECT_GE(sent, 2 * megabytes * 1'000'000);
  EXPECT_LT(sent, 2 * megabytes * 1'000'000 + 1'000'000);
}

}  // namespace
}  // namespace cohort::test
