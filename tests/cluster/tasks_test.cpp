// Coroutines, calls that are called off, async and sync.

#include <algorithm>
#include <atomic>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "cluster_test.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using TasksTest = ClusterTest;

Task<int> twice(int x) { co_return 2 * x; }
Task<std::string> greet(const std::string& name) {
  co_await after(1ms);
  co_return "hello " + name;
}
Task<int> fail_late(int x) {
  co_await after(1ms);
  if (x > 0) throw std::out_of_range("too large");
  co_return x;
}
Task<int> sum_of(std::vector<Future<int>> futures) {
  int sum = 0;
  for (auto& future : futures) sum += co_await future;
  co_return sum;
}
Task<int> nested(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await nested(depth - 1);
}
Task<int> nothing_but(int value) { co_return value; }
Task<int> many_awaits(int count) {
  int sum = 0;
  for (int i = 0; i < count; i++) sum += co_await nothing_but(1);
  co_return sum;
}
Task<int> ends_on_another_thread(Future<int> value) { co_return co_await value; }
Task<int> many_meetings(std::vector<Future<int>> futures) {
  int sum = 0;
  for (auto& future : futures) sum += co_await ends_on_another_thread(future);
  co_return sum;
}
std::atomic<int> waiting_here{0};
Task<> wait_for(Future<void> gate) {
  waiting_here++;
  co_await gate;
}
void block_on(Future<void> gate) {
  waiting_here++;
  gate.wait();
}

std::atomic<bool> saw_interruption{false};
void compute_until_stopped() {
  while (!this_call().stop_requested()) continue;
  saw_interruption = true;
}
std::atomic<bool> begun{false};
// It tells the master without waiting for anything: who waits gives its slot to others.
void compute_once_begun() {
  remote_do([] { begun = true; }, master_pid);
  compute_until_stopped();
}
std::atomic<int> suspended{0};
Task<> suspend_until_stopped() {
  suspended++;
  try {
    co_await after(1h);
  } catch (const InterruptedException&) {
    suspended--;
    throw;
  }
}
bool was_interrupted() { return saw_interruption.exchange(false); }

TEST_F(TasksTest, ALoopMayAwaitAnyNumberOfTasksThatEndAtOnce) {
  const Pid worker = addprocs(1).front();
  EXPECT_EQ(remotecall_fetch(fn<many_awaits>, worker, 300'000), 300'000);
  EXPECT_EQ(remotecall_fetch(fn<many_awaits>, myid(), 300'000), 300'000);
  EXPECT_EQ(remotecall_fetch(fn<nested>, worker, 1000), 1000);
}

TEST_F(TasksTest, ATaskMayEndAsItIsAwaited) {
  std::vector<Future<int>> futures;
  for (int i = 0; i < 2000; i++) futures.push_back(remotecall([](int x) { return x; }, myid(), 1));
  EXPECT_EQ(async(many_meetings, futures).fetch(), 2000);
}

TEST_F(TasksTest, ACoroutineIsCalledLikeAnyFunction) {
  const Pid pid = addprocs(1).front();
  EXPECT_EQ(remotecall_fetch(fn<twice>, pid, 21), 42);
  EXPECT_EQ(remotecall_fetch(fn<greet>, pid, "Ada"), "hello Ada");
  EXPECT_EQ(remotecall(fn<nested>, pid, 1000).fetch(), 1000);
  EXPECT_EQ(remotecall_fetch([](int x) -> Task<int> { co_return co_await twice(x); }, pid, 2), 4);
  EXPECT_EQ(remotecall_fetch(fn<greet>, myid(), "me"), "hello me");
  EXPECT_EQ(remotecall(fn<greet>, myid(), "me").fetch(), "hello me");
}

TEST_F(TasksTest, WhatACoroutineThrowsReachesTheCaller) {
  const Pid pid = addprocs(1).front();
  for (const Pid where : {pid, myid()}) {
    EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { remotecall_fetch(fn<fail_late>, where, 1); }), "too large"));
    EXPECT_TRUE(
        contains(thrown_by<RemoteException>([&] { remotecall(fn<fail_late>, where, 1).fetch(); }), "too large"));
    EXPECT_EQ(remotecall_fetch(fn<fail_late>, where, 0), 0);
  }
}

TEST_F(TasksTest, ACoroutineAwaitsFuturesOfOtherProcesses) {
  const auto pids = addprocs(2);
  std::vector<Future<int>> futures{remotecall(fn<twice>, pids[0], 1), remotecall(fn<twice>, pids[1], 2),
                                   remotecall(fn<twice>, myid(), 3)};
  EXPECT_EQ(remotecall_fetch(fn<sum_of>, pids[1], futures), 12);
}

TEST_F(TasksTest, TenThousandCoroutinesAndAThousandFunctionsWaitAtOnceOnOneWorker) {
  const Pid pid = addprocs(1).front();
  Future<void> gate(myid());
  std::vector<Future<void>> waiting;
  for (int i = 0; i < 10'000; i++) waiting.push_back(remotecall(fn<wait_for>, pid, gate));
  for (int i = 0; i < 1'000; i++) waiting.push_back(remotecall(fn<block_on>, pid, gate));
  // It counts them itself: all the while, the worker is free for other calls.
  EXPECT_TRUE(eventually([&] { return remotecall_fetch([] { return waiting_here.load(); }, pid) == 11'000; }))
      << remotecall_fetch([] { return waiting_here.load(); }, pid) << " have begun";
  EXPECT_TRUE(std::none_of(waiting.begin(), waiting.end(), [](const auto& future) { return future.is_ready(); }));
  gate.put();
  for (auto& future : waiting) EXPECT_NO_THROW(future.fetch());
}

// The worker runs one function at a time, so it answers only if the one that was given up has ended, or never began.
TEST_F(TasksTest, ACallThatTakesTooLongIsGivenUpAndTheWorkerIsTold) {
  const Pid pid = addprocs(1).front();
  EXPECT_THROW(remotecall_fetch({.deadline = 20ms}, fn<compute_until_stopped>, pid), TimeoutError);
  EXPECT_EQ(remotecall_fetch(fn<twice>, pid, 1), 2);
  EXPECT_THROW(remotecall_wait({.deadline = 20ms}, fn<compute_until_stopped>, pid), TimeoutError);
  EXPECT_EQ(remotecall_fetch(fn<twice>, pid, 2), 4);
  EXPECT_THROW(remotecall_fetch({.deadline = 20ms}, fn<suspend_until_stopped>, pid), TimeoutError);
  EXPECT_TRUE(eventually([&] { return remotecall_fetch([] { return suspended.load(); }, pid) == 0; }));
  EXPECT_EQ(remotecall_fetch({.deadline = 1h}, fn<twice>, pid, 3), 6);
}

TEST_F(TasksTest, AStopTokenCallsACallOff) {
  const Pid pid = addprocs(1).front();
  std::stop_source stop;
  std::jthread stopper([&] {
    EXPECT_TRUE(eventually([] { return begun.load(); }));
    stop.request_stop();
  });
  EXPECT_THROW(remotecall_fetch({.stop_token = stop.get_token()}, fn<compute_once_begun>, pid), CancelledException);
  EXPECT_TRUE(remotecall_fetch(fn<was_interrupted>, pid));
}

TEST_F(TasksTest, ACancelledCallThatWaitsForItsTurnNeverRuns) {
  const Pid pid = addprocs(1).front();
  auto running = remotecall(fn<compute_once_begun>, pid);
  ASSERT_TRUE(eventually([] { return begun.load(); }));
  auto queued = remotecall([] { saw_interruption = true; }, pid);
  queued.cancel();
  running.cancel();
  EXPECT_NO_THROW(running.fetch());
  EXPECT_TRUE(remotecall_fetch(fn<was_interrupted>, pid));
  EXPECT_TRUE(contains(thrown_by([&] { queued.fetch(); }), "called off before it ran"));
  EXPECT_FALSE(remotecall_fetch(fn<was_interrupted>, pid));
  running.cancel();  // too late: nothing happens
  EXPECT_EQ(remotecall_fetch(fn<twice>, pid, 4), 8);
}

TEST_F(TasksTest, AReferenceInAnAnswerThatComesTooLateIsReleased) {
  const Pid pid = addprocs(1).front();
  EXPECT_THROW(remotecall_fetch(
                   {.deadline = 20ms},
                   [] {
                     while (!this_call().stop_requested()) continue;
                     return Future<int>(myid());
                   },
                   pid),
               TimeoutError);
  EXPECT_TRUE(eventually([&] { return reference_count(pid) == 0; }));
}

TEST_F(TasksTest, AsyncRunsClosuresOfThisProcess) {
  const Pid pid = addprocs(1).front();
  int x = 3;
  auto answer = async([&x, pid](int y) { return x + remotecall_fetch(fn<twice>, pid, y); }, 4);
  EXPECT_EQ(answer.fetch(), 11);
  auto coroutine = async(
      [&x](std::string text) -> Task<std::string> {
        co_await after(1ms);
        co_return text + std::to_string(x);
      },
      "x = ");
  EXPECT_EQ(coroutine.fetch(), "x = 3");
  EXPECT_TRUE(contains(thrown_by<RemoteException>([] { async([] { throw std::logic_error("no"); }).fetch(); }), "no"));
}

TEST_F(TasksTest, AsyncTasksThatBlockByTheThousandLetEachOtherRun) {
  Future<void> gate(myid());
  std::atomic<int> arrived{0};
  std::vector<Future<void>> tasks;
  for (int i = 0; i < 900; i++) {
    tasks.push_back(async([&] {
      if (++arrived == 900) gate.put();
      gate.wait();
    }));
  }
  for (auto& task : tasks) task.wait();
  EXPECT_EQ(arrived, 900);
}

TEST_F(TasksTest, SyncWaitsForEverythingStartedInside) {
  const auto pids = addprocs(2);
  std::atomic<int> done{0};
  Future<int> far;
  sync([&] {
    async([&] {
      after(5ms).wait();
      done++;
    });
    far = spawnat(pids[1], fn<twice>, 8);
    sync([&] { async([&] { done++; }); });
    EXPECT_GE(done, 1);
  });
  EXPECT_EQ(done, 2);
  EXPECT_TRUE(far.is_ready());
}

TEST_F(TasksTest, SyncCollectsAllErrorsInOrder) {
  const Pid pid = addprocs(1).front();
  std::atomic<bool> last{false};
  try {
    sync([&] {
      remotecall(fn<fail_late>, pid, 1);
      async([] { throw std::runtime_error("second"); });
      async([&] {
        after(5ms).wait();
        last = true;
      });
    });
    FAIL();
  } catch (const CompositeException& error) {
    ASSERT_EQ(error.size(), 2u);
    EXPECT_TRUE(contains(message_of(error.exceptions()[0]), "too large"));
    EXPECT_TRUE(contains(message_of(error.exceptions()[1]), "second"));
  }
  EXPECT_TRUE(last);
  EXPECT_THROW(sync([] { throw std::domain_error("own"); }), std::domain_error);
}

}  // namespace
}  // namespace cohort::test
