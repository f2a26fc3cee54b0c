// How workers come and go, as a program is told of it.

#include <atomic>
#include <latch>
#include <map>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "../cluster/captured_stderr.hpp"
#include "memory_test.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

/// What the functions of one key were called with, in order.
class Told {
 public:
  WorkerCallbacks callbacks() {
    return {
        .starting = [this](const std::string& manager, const LaunchParams&) { add("starting " + manager); },
        .started = [this](Pid pid) { add("started " + std::to_string(pid)); },
        .exiting = [this](Pid pid) { add("exiting " + std::to_string(pid)); },
        .exited = [this](Pid pid, const std::string& cause) { add("exited " + std::to_string(pid) + " " + cause); }};
  }
  std::vector<std::string> all() {
    const std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  void add(std::string what) {
    const std::lock_guard lock(mutex_);
    all_.push_back(std::move(what));
  }
  std::mutex mutex_;
  std::vector<std::string> all_;
};

TEST(MemoryLifecycle, AProgramIsToldInOrder) {
  Told one, other;
  TestCluster cluster(0);
  add_worker_callbacks("one", one.callbacks());
  add_worker_callbacks("other", other.callbacks());
  EXPECT_THROW(add_worker_callbacks("one", {}), ConfigError);
  cluster.add(2);
  EXPECT_EQ(one.all(), (std::vector<std::string>{"starting of the program", "started 2", "started 3"}));
  rmprocs(2);
  EXPECT_EQ(one.all().size(), 5u);
  EXPECT_EQ(one.all()[3], "exiting 2");
  EXPECT_EQ(one.all()[4], "exited 2 removed");
  EXPECT_EQ(other.all(), one.all());
  remove_worker_callbacks("other");
  cluster.kill(3);
  EXPECT_TRUE(eventually([&] { return one.all().size() == 6; }));
  EXPECT_TRUE(contains(one.all()[5], "exited 3 ")) << one.all()[5];
  EXPECT_EQ(other.all().size(), 5u);
}

TEST(MemoryLifecycle, AWorkerStillRunsFunctionsWhileItIsAboutToLeave) {
  TestCluster cluster(1);
  std::atomic<int> asked = 0;
  add_worker_callbacks("asks", {.exiting = [&](Pid pid) { asked = remotecall_fetch([] { return 7; }, pid); }});
  rmprocs(2);
  EXPECT_EQ(asked, 7);
}

TEST(MemoryLifecycle, WhatIsThrownBeforeALaunchIsThrownByAddprocs) {
  TestCluster cluster(0);
  add_worker_callbacks("refuses",
                       {.starting = [](const auto&, const auto&) { throw std::runtime_error("not today"); }});
  EXPECT_EQ(thrown_by([&] { cluster.add(1); }), "not today");
  EXPECT_EQ(nprocs(), 1);
  remove_worker_callbacks("refuses");
  add_worker_callbacks("adds", {.started = [&](Pid) { cluster.add(1); }});
  CapturedStderr log;
  cluster.add(1);
  EXPECT_TRUE(contains(log.text(), "'adds' for 'started' of worker 2")) << log.text();
  EXPECT_TRUE(contains(log.text(), "cannot add workers")) << log.text();
  EXPECT_EQ(nprocs(), 2);
  remove_worker_callbacks("adds");
  add_worker_callbacks("removes", {.started = [](Pid pid) { rmprocs(pid); }, .exiting = [](Pid pid) { drain({pid}); }});
  cluster.add(1);
  EXPECT_TRUE(contains(log.text(), "'removes' for 'started' of worker 3: a function of add_worker_callbacks() cannot"))
      << log.text();
  EXPECT_EQ(nprocs(), 3);
}

TEST(MemoryLifecycle, OneThatHangsIsNamedAndTheOthersAreUnharmed) {
  Told told;
  std::latch release(1);
  TestCluster cluster(0);
  add_worker_callbacks("told", told.callbacks());
  add_worker_callbacks("hangs", {.started = [&](Pid) { release.wait(); }, .limit = 20ms});
  CapturedStderr log;
  cluster.add(3);
  EXPECT_TRUE(contains(log.text(), "the callback 'hangs' for 'started' of worker 2 has not returned within 0.02 s"))
      << log.text();
  EXPECT_FALSE(contains(log.text(), "worker 3")) << "it is named once";
  EXPECT_EQ(told.all().size(), 4u);
  EXPECT_EQ(pmap([](int x) { return x; }, range(1, 10)).size(), 10u);
  release.count_down();
}

TEST(MemoryLifecycle, OneThatRemovesItselfIsNotCalledAgain) {
  std::atomic<int> called = 0;
  TestCluster cluster(0);
  add_worker_callbacks("once", {.started = [&](Pid) {
                         called++;
                         remove_worker_callbacks("once");
                       }});
  cluster.add(1);
  cluster.add(1);
  EXPECT_EQ(called, 1);
}

TEST(MemoryLifecycle, AStatusIsKnownEverywhereAndAfterTheEnd) {
  TestCluster cluster(2);
  EXPECT_EQ(getstatus(2), "");
  setstatus("leads");
  remotecall_fetch([] { setstatus("epoch 1"); }, 2);
  remotecall_fetch([] { setstatus("epoch 2\x1b"); }, 2);
  EXPECT_EQ(remotecall_fetch([] { return getstatus(1) + ", " + getstatus(2); }, 3), "leads, epoch 2\\x1b");
  const auto running = remotecall([] { eventually([] { return this_call().stop_requested(); }, 1s); }, 2);
  cluster.kill(2);
  EXPECT_TRUE(contains(thrown_by<ProcessExitedException>([&] { running.fetch(); }), "; its status: epoch 2"));
  EXPECT_EQ(getstatus(2), "epoch 2\\x1b");
  EXPECT_THROW(getstatus(4), Error);
  EXPECT_THROW(getstatus(0), Error);
  remotecall_fetch([] { setstatus(std::string(5000, 'x')); }, 3);
  EXPECT_LE(getstatus(3).size(), 1100u);
}

TEST(MemoryLifecycle, AWorkerMaySaveWhatItHasWhenItsMasterIsLost) {
  static std::atomic<int> saved;
  static std::atomic<bool> call_failed;
  saved = 0;
  call_failed = false;
  TestCluster cluster(2);
  remotecall_fetch(
      [] {
        on_master_lost([] {
          saved += 1;
          call_failed =
              !thrown_by<ProcessExitedException>([] { remotecall_fetch([] { return 0; }, master_pid); }).empty();
        });
        on_master_lost([] { throw std::runtime_error("no room to save it"); });
        on_master_lost([] { saved += 10; });
      },
      2);
  CapturedStderr log;
  cluster.cut(1, 2);
  EXPECT_TRUE(eventually([] { return saved == 11; }));
  EXPECT_TRUE(call_failed);
  EXPECT_TRUE(contains(log.text(), "no room to save it")) << log.text();
  EXPECT_THROW(on_master_lost([] {}), Error) << "a master";
}

TEST(MemoryLifecycle, AMasterThatLetsItsWorkerGoIsNotLost) {
  static std::atomic<int> called;
  called = 0;
  {
    TestCluster cluster(3);
    for (const Pid pid : cluster.workers()) remotecall_fetch([] { on_master_lost([] { called++; }); }, pid);
    rmprocs(2);
    drain({3});
  }
  EXPECT_EQ(called, 0);
}

TEST(MemoryLifecycle, ThreadsAreWhatAddprocsSays) {
  TestCluster cluster(1, {.threads = 3});
  const auto at_once = [] {
    static std::atomic<int> running;
    running++;
    eventually([] { return running == 3; });
    return running.load();
  };
  std::vector<Future<int>> calls;
  for (int i = 0; i < 3; i++) calls.push_back(remotecall(at_once, 2));
  for (const auto& call : calls) EXPECT_EQ(call.fetch(), 3);
  EXPECT_THROW(cluster.add(1, {.threads = 0}), ConfigError);
}

}  // namespace
}  // namespace cohort::test
