// Handles that were made by default, moved from or finalised.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cluster_test.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using EmptyHandlesTest = ClusterTest;

struct Holder {
  int number = 0;
  Future<int> future;
};
Task<int> plus_one(int n) { co_return n + 1; }
Task<int> await_empty() { co_return co_await Future<int>(); }
Task<int> await_twice() {
  auto task = plus_one(1);
  const int first = co_await std::move(task);
  co_return first + co_await std::move(task);
}
Task<int> await_moved() {
  auto task = plus_one(1);
  auto other = std::move(task);
  co_return co_await std::move(task);
}

TEST_F(EmptyHandlesTest, EveryUseIsAnError) {
  const Channel<int> channel(1);
  auto moved = async([] { return 1; });
  auto future = std::move(moved);
  auto loop = distributed_for(Range<int>{1, 1}, [](int) {});
  auto moved_loop = std::move(loop);
  auto stream = pmap_stream([](int n) { return n; }, std::vector{1});
  auto moved_stream = std::move(stream);
  const std::map<std::string, std::function<void()>> uses{
      {"fetch", [] { Future<int>().fetch(); }},
      {"fetch of a handle",
       [] {
         const Future<int> f;
         f.fetch();
       }},
      {"fetch with options", [] { Future<int>().fetch(WaitOptions{}); }},
      {"wait", [] { Future<int>().wait(); }},
      {"wait with options", [] { Future<int>().wait(WaitOptions{}); }},
      {"wait_for", [] { Future<int>().wait_for(1s); }},
      {"ready", [] { Future<int>().is_ready(); }},
      {"cancel", [] { Future<int>().cancel(); }},
      {"owner", [] { Future<int>().owner(); }},
      {"put", [] { Future<int>().put(3); }},
      {"put of nothing", [] { Future<void>().put(); }},
      {"then", [] { Future<int>().then([](Future<int>) { return 1; }); }},
      {"moved from", [&] { moved.fetch(); }},
      {"when_all", [] { when_all(std::vector<Future<int>>(2)); }},
      {"when_all of two", [&] { when_all(future, Future<int>()); }},
      {"when_any", [] { when_any(std::vector<Future<int>>(2)); }},
      {"bind", [&] { bind(channel, Future<int>()); }},
      {"co_await", [] { remotecall_fetch(fn<await_empty>, myid()); }},
      {"a task awaited twice", [] { remotecall_fetch(fn<await_twice>, myid()); }},
      {"a task that was moved from", [] { remotecall_fetch(fn<await_moved>, myid()); }},
      {"channel", [] { Channel<int>().take(); }},
      {"select", [] { select(when(Channel<int>(), [](int) {})); }},
      {"remote channel", [] { RemoteChannel<int>().take(); }},
      {"owner of a remote channel", [] { RemoteChannel<int>().owner(); }},
      {"close of a remote channel", [] { RemoteChannel<int>().close(); }},
      {"store", [] { RemoteStore<std::string>().owner(); }},
      {"store of nothing", [] { RemoteStore<std::string>(std::shared_ptr<std::string>()); }},
      {"loop", [&] { loop.wait(); }},
      {"ready of a loop", [&] { loop.is_ready(); }},
      {"stream", [&] { stream.begin(); }},
      {"manager", [] { addprocs(std::shared_ptr<ClusterManager>()); }},
  };
  for (const auto& [name, use] : uses) EXPECT_TRUE(contains(thrown_by<Error>(use), "is empty")) << name;
  EXPECT_EQ(future.fetch(), 1);
  moved_loop.wait();
  for (auto& [number, result] : moved_stream) EXPECT_EQ(result, 1);
}

TEST_F(EmptyHandlesTest, SentTheyArriveEmptyAndTheReceiverLives) {
  const Pid pid = addprocs(1).front();
  const auto fetch = [](Future<int> f) { return f.fetch(); };
  EXPECT_TRUE(
      contains(thrown_by<RemoteException>([&] { remotecall_fetch(fetch, pid, Future<int>()); }), "Future is empty"));
  EXPECT_EQ(remotecall_fetch([](const Holder& holder) { return holder.future.valid() ? 0 : holder.number; }, pid,
                             Holder{4, {}}),
            4);
  EXPECT_FALSE(remotecall_fetch([] { return RemoteChannel<int>(); }, pid).valid());
  EXPECT_FALSE(remotecall_fetch([](RemoteStore<int> store) { return store.valid(); }, pid, RemoteStore<int>()));
  EXPECT_EQ(workers(), std::vector<Pid>{pid});
}

TEST_F(EmptyHandlesTest, WhatCannotBeEmptyIsCopiedWhereItIsMoved) {
  addprocs(1);
  WorkerPool pool(workers());
  const WorkerPool other = std::move(pool);
  EXPECT_EQ(pool.length(), 1u);
  EXPECT_EQ(other.length(), 1u);
  CachingPool caching(workers());
  const CachingPool another = std::move(caching);
  clear(caching);
  RemoteException error({.worker = 3, .type_name = "T", .message = "m", .stack = ""});
  const RemoteException thrown = std::move(error);
  EXPECT_EQ(error.worker(), 3);
  CompositeException errors({std::make_exception_ptr(error)});
  const CompositeException both = std::move(errors);
  EXPECT_EQ(errors.size(), both.size());
  Array<int> numbers{1, 2, 3};
  const Array<int> taken = std::move(numbers);
  EXPECT_TRUE(numbers.empty());
  EXPECT_EQ(taken.size(), 3u);
}

}  // namespace
}  // namespace cohort::test
