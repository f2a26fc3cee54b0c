// Group J: futures, and the counting of references to them.

#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "cluster_test.hpp"

namespace cohort::test {
namespace {

using FuturesTest = ClusterTest;

constexpr std::size_t large = 100'000;  // doubles: more than travels unasked

std::vector<double> make_large(double x) { return std::vector<double>(large, x); }

TEST_F(FuturesTest, ALargeResultStaysWithItsOwnerUntilFetchedAndGoesThen) {
  const Pid pid = addprocs(1).front();
  auto future = remotecall(fn<make_large>, pid, 1.5);
  future.wait();
  EXPECT_TRUE(future.is_ready());
  EXPECT_EQ(future.owner(), pid);
  EXPECT_EQ(reference_count(pid), 1u);
  EXPECT_EQ(future.fetch(), make_large(1.5));
  EXPECT_EQ(&future.fetch(), &future.fetch());
  EXPECT_TRUE(eventually([&] { return reference_count(pid) == 0; }));
}

TEST_F(FuturesTest, AnUnfetchedResultGoesWithItsLastHandle) {
  const Pid pid = addprocs(1).front();
  {
    auto future = remotecall(fn<make_large>, pid, 1.5);
    future.wait();
    auto copy = future;
    EXPECT_EQ(reference_count(pid), 1u);
  }
  EXPECT_TRUE(eventually([&] { return reference_count(pid) == 0; }));
}

TEST_F(FuturesTest, ASecondPutIsAnErrorHereAndThere) {
  const Pid pid = addprocs(1).front();
  for (Pid owner : {myid(), pid}) {
    Future<int> future(owner);
    EXPECT_FALSE(future.is_ready());
    future.put(1);
    EXPECT_TRUE(future.is_ready());
    EXPECT_TRUE(contains(thrown_by([&] { future.put(2); }), "Future can be set only once"));
    EXPECT_EQ(future.fetch(), 1);
  }
  Future<int> unknown_here(pid);
  remotecall_fetch([](Future<int> f) { f.put(7); }, pid, unknown_here);
  for (Future<int> future : {unknown_here, remotecall([] { return 1; }, pid)}) {
    const auto refused = thrown_by<Error>([&] {
      try {
        future.put(8);
      } catch (const RemoteException&) {
        ADD_FAILURE() << "the same error is thrown wherever it is found";
      }
    });
    EXPECT_TRUE(contains(refused, "Future can be set only once")) << refused;
  }
  Future<int> raced(myid());
  remotecall_fetch([](Future<int> f) { f.put(7); }, pid, raced);
  EXPECT_TRUE(contains(thrown_by([&] { raced.put(8); }), "Future can be set only once"));
  EXPECT_EQ(raced.fetch(), 7);
}

TEST_F(FuturesTest, TheResultOfACallIsPutByNobodyElse) {
  const Pid pid = addprocs(1).front();
  Future<int> gate(myid());
  auto result = remotecall([](Future<int> value) { return value.fetch(); }, pid, gate);
  const auto put_there = [](Future<int> future) { return thrown_by([&] { future.put(8); }); };
  EXPECT_TRUE(contains(remotecall_fetch(put_there, pid, result), "Future can be set only once"));
  EXPECT_TRUE(contains(put_there(result), "Future can be set only once"));
  gate.put(7);
  EXPECT_EQ(result.fetch(), 7);
}

TEST_F(FuturesTest, AFutureOwnedElsewhereIsFilledByAThird) {
  addprocs(2);
  Future<std::string> future(2);
  remotecall_fetch([](Future<std::string> f) { f.put("from " + std::to_string(myid())); }, 3, future);
  EXPECT_EQ(future.fetch(), "from 3");
  EXPECT_TRUE(eventually([] { return reference_count(2) == 0; }));
}

TEST_F(FuturesTest, AnUnfetchedFutureTravelsAsAReference) {
  addprocs(2);
  auto future = remotecall(fn<make_large>, 2, 2.0);
  auto sum = [](Future<std::vector<double>> f) {
    double total = 0;
    for (double x : f.fetch()) total += x;
    return total;
  };
  EXPECT_EQ(remotecall_fetch(sum, 3, future), 2.0 * large);
  EXPECT_EQ(remotecall_fetch(sum, 2, future), 2.0 * large);
  EXPECT_EQ(sum(future), 2.0 * large);
  EXPECT_TRUE(eventually([] { return reference_count(2) == 0; }));
}

TEST_F(FuturesTest, AFetchedFutureTravelsWithItsValue) {
  addprocs(2);
  auto future = remotecall([](int x) { return x; }, 2, 5);
  EXPECT_EQ(future.fetch(), 5);
  rmprocs(2);
  EXPECT_EQ(remotecall_fetch([](Future<int> f) { return f.fetch(); }, 3, future), 5);
}

TEST_F(FuturesTest, AFutureComesBackAsAResult) {
  addprocs(2);
  auto inner = remotecall_fetch([] { return remotecall(fn<make_large>, 3, 4.0); }, 2);
  EXPECT_EQ(inner.owner(), 3);
  EXPECT_EQ(inner.fetch(), make_large(4.0));
  EXPECT_TRUE(eventually([] { return reference_count(3) == 0 && reference_count(2) == 0; }));
}

TEST_F(FuturesTest, ShippedAndReleasedTenThousandTimesLeavesNothing) {
  addprocs(2);
  auto future = remotecall(fn<make_large>, 2, 1.0);
  future.wait();
  for (int i = 0; i < 10'000; i++) remote_do([](Future<std::vector<double>> f) { (void)f.owner(); }, 3, future);
  remotecall_fetch([] {}, 3);
  EXPECT_EQ(reference_count(2), 1u);
  future = {};
  EXPECT_TRUE(eventually([] { return reference_count(2) == 0; }));
  EXPECT_EQ(reference_count(1), 0u);
  EXPECT_EQ(reference_count(3), 0u);
}

TEST_F(FuturesTest, AHolderThatIsKilledIsForgotten) {
  addprocs(2);
  Future<int> kept(myid());
  remote_do(
      [](Future<int> f) {
        static Future<int> holder;
        holder = f;
      },
      3, kept);
  EXPECT_TRUE(eventually([] { return reference_count(1) == 1; }));
  remote_do([] { _exit(3); }, 3);
  EXPECT_TRUE(eventually([] { return reference_count(1) == 0; }));
  EXPECT_TRUE(eventually([] { return nprocs() == 2; }));
}

TEST_F(FuturesTest, ManyThreadsFetchOneFuture) {
  const Pid pid = addprocs(1).front();
  auto future = remotecall(fn<make_large>, pid, 3.0);
  std::atomic<int> right{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 10; i++) threads.emplace_back([&] { right += future.fetch() == make_large(3.0); });
  }
  EXPECT_EQ(right, 10);
}

TEST_F(FuturesTest, ThenWhenAllWhenAnyAndTimedWaits) {
  const Pid pid = addprocs(1).front();
  EXPECT_EQ(remotecall([] { return 20; }, pid).then([](Future<int> f) { return f.fetch() + 22; }).fetch(), 42);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 5; i++) futures.push_back(remotecall([](int x) { return x * x; }, pid, i));
  EXPECT_EQ(when_all(futures).fetch(), (std::vector<int>{0, 1, 4, 9, 16}));
  auto both = when_all(remotecall([] { return 1; }, pid), remotecall([] { return std::string("two"); }, pid));
  EXPECT_EQ(both.fetch(), std::make_tuple(1, std::string("two")));
  Future<int> open(myid());
  EXPECT_FALSE(open.wait_for(std::chrono::milliseconds(10)));
  EXPECT_EQ(when_any(std::vector<Future<int>>{open, futures[3]}).fetch(), 1u);
  open.put(1);
  EXPECT_TRUE(open.wait_for(std::chrono::milliseconds(0)));
}

// A coroutine that runs by itself; only for this test.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

Detached add_later(Future<int> a, Future<int> b, Future<int> sum) { sum.put(co_await a + co_await b); }

TEST_F(FuturesTest, CoroutinesAwaitThem) {
  const Pid pid = addprocs(1).front();
  Future<int> sum(myid());
  add_later(remotecall([] { return 40; }, pid), remotecall([] { return 2; }, pid), sum);
  EXPECT_EQ(sum.fetch(), 42);
}

TEST_F(FuturesTest, AFailureIsThrownByEveryWaitAndFetch) {
  const Pid pid = addprocs(1).front();
  for (Pid p : {pid, myid()}) {
    auto future = remotecall([]() -> int { throw std::runtime_error("no luck"); }, p);
    EXPECT_THROW(future.wait(), RemoteException);
    EXPECT_THROW(future.fetch(), RemoteException);
    EXPECT_THROW(future.fetch(), RemoteException);
  }
}

TEST_F(FuturesTest, TheOwnersDeathIsTheOutcome) {
  const Pid pid = addprocs(1).front();
  auto future = remotecall(fn<make_large>, pid, 1.0);
  future.wait();
  remote_do([] { _exit(0); }, pid);
  EXPECT_TRUE(eventually([] { return nprocs() == 1; }));
  EXPECT_THROW(future.fetch(), ProcessExitedException);
}

TEST_F(FuturesTest, OfTwoPutsAtOnceOneWinsAndTheOtherHears) {
  addprocs(2);
  const auto try_put = [](Future<int> future) {
    try {
      future.put(myid());
      return true;
    } catch (const std::exception& error) {
      if (!contains(error.what(), "Future can be set only once")) throw;
      return false;
    }
  };
  for (int i = 0; i < 100; i++) {
    Future<int> future(i % 3 + 1);
    auto a = remotecall(try_put, 2, future), b = remotecall(try_put, 3, future);
    ASSERT_NE(a.fetch(), b.fetch()) << i;
    EXPECT_EQ(future.fetch(), a.fetch() ? 2 : 3);
  }
  for (Pid pid : procs()) EXPECT_TRUE(eventually([&] { return reference_count(pid) == 0; })) << pid;
}

TEST_F(FuturesTest, AShippedFutureKeepsItsValueUntilAllHaveFetched) {
  addprocs(2);
  auto future = remotecall(fn<make_large>, 2, 5.0);
  auto keep = [](Future<std::vector<double>> f) {
    static Future<std::vector<double>> kept;
    if (f.valid()) kept = f;
    return f.valid() ? 0.0 : kept.fetch()[0];
  };
  remotecall_fetch(keep, 3, future);
  EXPECT_EQ(future.fetch()[0], 5.0);
  future = {};
  EXPECT_EQ(reference_count(2), 1u);
  EXPECT_EQ(remotecall_fetch(keep, 3, Future<std::vector<double>>()), 5.0);
  EXPECT_TRUE(eventually([] { return reference_count(2) == 0; }));
}

TEST_F(FuturesTest, WaitedForHereFetchedHereThenFetchedThere) {
  addprocs(2);
  auto future = remotecall(fn<make_large>, 2, 6.0);
  future.wait();
  EXPECT_EQ(future.fetch()[0], 6.0);
  EXPECT_EQ(remotecall_fetch([](Future<std::vector<double>> f) { return f.fetch()[0]; }, 3, future), 6.0);
  std::vector<Future<double>> both;
  auto shared = remotecall(fn<make_large>, 2, 7.0);
  for (Pid pid : {3, 2, 3, 2}) {
    both.push_back(remotecall([](Future<std::vector<double>> f) { return f.fetch()[0]; }, pid, shared));
  }
  EXPECT_EQ(shared.fetch()[0], 7.0);
  for (auto& one : both) EXPECT_EQ(one.fetch(), 7.0);
}

TEST_F(FuturesTest, AFutureOfAnotherIsFilledByItsOwner) {
  const Pid pid = addprocs(1).front();
  Future<int> future(pid);
  remote_do([](Future<int> f) { f.put(myid()); }, pid, future);
  EXPECT_EQ(future.fetch(), pid);
}

TEST_F(FuturesTest, AFetchGivesUpAtItsDeadlineAndTheValueCanBeFetchedLater) {
  const Pid worker = addprocs(1).front();
  Future<int> gate(worker);
  EXPECT_THROW(gate.fetch({.deadline = std::chrono::milliseconds(20)}), TimeoutError);
  EXPECT_THROW(gate.wait({.deadline = Clock::now()}), TimeoutError);
  gate.put(7);
  EXPECT_EQ(gate.fetch({.deadline = std::chrono::seconds(30)}), 7);
}

TEST_F(FuturesTest, AFetchIsCalledOffByItsStopToken) {
  const Pid worker = addprocs(1).front();
  Future<int> gate(worker);
  std::stop_source stop;
  std::thread stopper([&] { stop.request_stop(); });
  EXPECT_THROW(gate.fetch({.stop_token = stop.get_token()}), CancelledException);
  stopper.join();
  EXPECT_THROW(gate.fetch({.stop_token = stop.get_token()}), CancelledException);
}

struct Holder {
  Future<int> inner;
};
// Fetched from worker 3 by worker 4: a value that carries a handle on a value of worker 2, to which 3 has no
// connection.
TEST_F(FuturesTest, AValueWithAHandleOnAThirdProcessIsFetchedByAFourth) {
  const auto pids = addprocs(3);
  Future<int> inner(pids[0]);
  Future<Holder> outer(pids[1]);
  auto fetched = remotecall(
      [](const Future<Holder>& where) {
        Future<int> found = where.fetch().inner;
        return found.fetch();
      },
      pids[2], outer);
  outer.put(Holder{inner});
  inner.put(5);
  EXPECT_EQ(fetched.fetch(), 5);
}

}  // namespace
}  // namespace cohort::test
