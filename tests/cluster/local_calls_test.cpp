// Group N: calls to the own process are the same functions, without copies.

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <vector>

#include "cluster_test.hpp"

namespace cohort::test {
namespace {

class NullFunctionTest : public ClusterTest {};

TEST(LocalCalls, AFetchRunsOnTheCallingThreadAndSharesItsArguments) {
  const std::vector<int> v{0};
  remotecall_fetch(
      [](const std::vector<int>& shared, int caller, std::uintptr_t data) {
        EXPECT_EQ(gettid(), caller);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(shared.data()), data);
      },
      myid(), v, gettid(), reinterpret_cast<std::uintptr_t>(v.data()));
}

TEST(LocalCalls, TheOthersRunByThemselves) {
  Future<int> gate(myid());
  auto future = remotecall(
      [](Future<int> f, int caller) {
        EXPECT_NE(gettid(), caller);
        return f.fetch();
      },
      myid(), gate, gettid());
  EXPECT_FALSE(future.is_ready());
  EXPECT_EQ(spawnat(myid(), [] { return 1; }).fetch(), 1);  // the blocked one is not in its way
  gate.put(5);
  EXPECT_EQ(future.fetch(), 5);
  EXPECT_THROW(remotecall_wait([] { throw Error("no"); }, myid()), RemoteException);
}

TEST(LocalCalls, AFuturesValueIsShared) {
  Future<std::vector<int>> future(myid());
  future.put(std::vector<int>{1, 2, 3});
  const auto* here = future.fetch().data();
  const auto there = remotecall(
      [](Future<std::vector<int>> f) { return reinterpret_cast<std::uintptr_t>(f.fetch().data()); }, myid(), future);
  EXPECT_EQ(there.fetch(), reinterpret_cast<std::uintptr_t>(here));
}

TEST(LocalCalls, NothingBeginsWhoseTimeIsOver) {
  using namespace std::chrono_literals;
  static std::atomic<int> begun = 0;
  const auto count = [] { begun++; };
  const auto count_item = [](int) { begun++; };
  const auto count_task = []() -> Task<> {
    begun++;
    co_return;
  };
  std::stop_source stop;
  stop.request_stop();
  const WaitOptions late{.deadline = -1s}, stopped{.stop_token = stop.get_token()};
  EXPECT_THROW(remotecall_fetch(late, count, myid()), TimeoutError);
  EXPECT_THROW(remotecall_fetch(late, count_task, myid()), TimeoutError);
  EXPECT_THROW(remotecall_wait(late, count, myid()), TimeoutError);
  EXPECT_THROW(remotecall_fetch(stopped, count, myid()), CancelledException);
  EXPECT_THROW(remotecall_wait(stopped, count, myid()), CancelledException);
  EXPECT_THROW(pmap(count_item, range(1, 3), {.distributed = false, .deadline = -1s}), TimeoutError);
  EXPECT_THROW(pmap(count_item, range(1, 3), {.distributed = false, .stop_token = stop.get_token()}),
               CancelledException);
  EXPECT_EQ(begun, 0);
}

// A pointer to nothing is an error, wherever it was to be called.
TEST_F(NullFunctionTest, IsAnErrorHereAndThere) {
  using Function = int (*)(int);
  const Function none = nullptr;
  const std::string expected = "the function is null: a null pointer, or an empty std::function";
  for (const Pid pid : {myid(), addprocs(1).front()}) {
    EXPECT_EQ(thrown_by<Error>([&] { remotecall_fetch(none, pid, 1); }), expected);
    EXPECT_EQ(thrown_by<Error>([&] { remotecall_fetch({.deadline = std::chrono::seconds(20)}, none, pid, 1); }),
              expected);
    EXPECT_EQ(thrown_by<Error>([&] { remotecall(none, pid, 1); }), expected);
    EXPECT_EQ(thrown_by<Error>([&] { remotecall_wait(none, pid, 1); }), expected);
    EXPECT_EQ(thrown_by<Error>([&] { remote_do(none, pid, 1); }), expected);
    EXPECT_EQ(thrown_by<Error>([&] { everywhere({pid}, none, 1); }), expected);
  }
  EXPECT_EQ(thrown_by<Error>([&] { async(none, 1); }), expected);
  EXPECT_EQ(thrown_by<Error>([&] { pmap(none, std::vector<int>{1, 2}); }), expected);
  EXPECT_EQ(thrown_by<Error>([&] { pmap(none, std::vector<int>{1, 2}, {.pool = WorkerPool({myid()})}); }), expected);
  EXPECT_EQ(thrown_by<Error>([&] { distributed_reduce(std::plus<>{}, range(1, 4), none); }), expected);
  EXPECT_EQ(thrown_by<Error>([&] { static_cast<void>(distributed_for(range(1, 4), none)); }), expected);
  int (*const no_sum)(int, int) = nullptr;
  EXPECT_EQ(thrown_by<Error>([&] { distributed_reduce(no_sum, range(1, 4), [](int i) { return i; }); }), expected);
  EXPECT_EQ(thrown_by<Error>([&] { async(std::function<int(int)>(), 1); }), expected);
  Channel<int> channel(1);
  channel.put(1);
  EXPECT_EQ(thrown_by<Error>([&] { select(when(channel, none)); }), expected);
  EXPECT_EQ(channel.take(), 1) << "it was taken for nobody";
  int (*const next)(Future<int>) = nullptr;
  EXPECT_EQ(thrown_by<Error>([&] { remotecall([] { return 1; }, myid()).then(next); }), expected);
}

TEST(LocalCalls, AHundredThousandLeaveNothing) {
  for (int i = 0; i < 100'000; i++)
    ASSERT_EQ(spawnat(
                  myid(), [](int x) { return x; }, i)
                  .fetch(),
              i);
  EXPECT_EQ(reference_count(myid()), 0u);
}

TEST(LocalCalls, NestedOnesDoNotDeadlock) {
  EXPECT_EQ(
      spawnat(myid(), [] { return spawnat(myid(), [] { return spawnat(myid(), [] { return 3; }).fetch(); }).fetch(); })
          .fetch(),
      3);
}

}  // namespace
}  // namespace cohort::test
