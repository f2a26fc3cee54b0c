#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <numeric>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

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

struct Square {
  std::unique_ptr<int> operator()(int x) const { return std::make_unique<int>(x * x); }
};

TEST_P(MemoryCalls, ResultsNeedNotBeCopied) {
  TestCluster cluster(2, {}, wire());
  for (const Pid pid : procs()) {
    EXPECT_EQ(*remotecall_fetch(Square{}, pid, 3), 9);
    EXPECT_EQ(*remotecall_fetch({.deadline = 10s}, Square{}, pid, 3), 9);
    auto result = remotecall(Square{}, pid, 4);
    EXPECT_EQ(*result.get(), 16);
    EXPECT_FALSE(result.valid());
    EXPECT_THROW(result.get(), Error);
    EXPECT_EQ(*remotecall(Square{}, pid, 5).fetch(), 25);
    EXPECT_EQ(*remotecall_wait(Square{}, pid, 6).get(), 36);
    const auto awaited =
        remotecall_fetch([](Pid at) -> Task<int> { co_return *co_await remotecall(Square{}, at, 7); }, 2, pid);
    EXPECT_EQ(awaited, 49);
  }
  int sum = 0;
  for (const auto& each : pmap(Square{}, range(1, 4))) sum += *each;
  EXPECT_EQ(sum, 30);
  for (auto& [pid, each] : fetch_all(procs(), Square{}, 8)) EXPECT_EQ(*each.get(), 64) << pid;
}

TEST_P(MemoryCalls, GetMovesTheValueOutOfThisProcessOnly) {
  TestCluster cluster(2, {}, wire());
  // Made here: other handles of this process have it no longer, those of other processes do.
  Future<std::vector<int>> here(1);
  const auto second = here;
  here.put(std::vector<int>(1000, 1));
  const int* const place = here.fetch().data();
  EXPECT_EQ(here.get().data(), place) << "no copy";
  EXPECT_FALSE(here.valid());
  EXPECT_THROW(second.fetch(), Error);
  EXPECT_THROW(remotecall_fetch([](const Future<std::vector<int>>& it) { return it.fetch()[0]; }, 2, second), Error);

  Future<int> asked(1);
  const auto elsewhere = remotecall([](const Future<int>& it) { return it.wait().fetch(); }, 2, asked);
  asked.put(7);
  auto handle = asked;
  EXPECT_EQ(asked.get(), 7);
  EXPECT_EQ(handle.fetch(), 7) << "it was encoded for the others";
  EXPECT_EQ(elsewhere.fetch(), 7);

  // Made elsewhere: it can be fetched again.
  auto there = remotecall([] { return std::string(1000, 'x'); }, 2);
  auto again = there;
  EXPECT_EQ(there.get(), std::string(1000, 'x'));
  EXPECT_EQ(again.fetch(), std::string(1000, 'x'));
  EXPECT_EQ(again.get(), std::string(1000, 'x'));

  Future<int> never_set(1);
  EXPECT_THROW(never_set.get({.deadline = 5ms}), TimeoutError);
  never_set.put(3);
  EXPECT_EQ(never_set.get(), 3);
}

TEST_P(MemoryCalls, ADeadlineOfACallOfAllLeavesTheResultsThatAreThere) {
  TestCluster cluster(3, {}, wire());
  const Future<void> over(1);
  const auto wait_on_3 = [](const Future<void>& end) {
    if (myid() == 3) end.wait();
    return int{myid()};
  };
  std::stop_source stop;
  auto results = fetch_all({.deadline = 300ms}, workers(), wait_on_3, over);
  EXPECT_EQ(results[2].fetch(), 2);
  EXPECT_EQ(results[4].fetch(), 4);
  EXPECT_THROW(results[3].fetch(), TimeoutError);
  stop.request_stop();
  results = fetch_all({.stop_token = stop.get_token()}, {3}, wait_on_3, over);
  EXPECT_THROW(results[3].fetch(), CancelledException);
  EXPECT_EQ(fetch_all({.deadline = 60s}, {3}, [] { return int{myid()}; })[3].fetch(), 3) << "the call was cancelled";
}

TEST_P(MemoryCalls, ResultsOfAllAreReducedAlongATree) {
  TestCluster cluster(9, {}, wire());
  EXPECT_EQ(fetch_reduce(
                std::plus<>(), procs(), [](int x) { return x * myid(); }, 2),
            2 * 55);
  const auto name = [](const std::string& end) { return std::to_string(myid()) + end; };
  const auto join = [](const std::string& a, const std::string& b) { return a + b; };
  EXPECT_EQ(fetch_reduce(join, {5, 1, 10, 2, 7, 3, 4}, name, "."), "5.1.10.2.7.3.4.") << "in the order of the list";
  EXPECT_EQ(fetch_reduce(join, {3}, name, "."), "3.");
  const auto callers = fetch_reduce(
      [](std::vector<Pid> a, const std::vector<Pid>& b) {
        a.insert(a.end(), b.begin(), b.end());
        return a;
      },
      workers(), [] { return std::vector<Pid>{this_call().caller()}; });
  EXPECT_EQ(std::count(callers.begin(), callers.end(), master_pid), 1) << "the others are called by each other";
  EXPECT_EQ(*fetch_reduce(
                [](std::unique_ptr<int> a, std::unique_ptr<int> b) { return *a > *b ? std::move(a) : std::move(b); },
                workers(), Square{}, 4),
            16);
  EXPECT_THROW(fetch_reduce(std::plus<>(), {}, [] { return 1; }), Error);
  const auto fails = [] { return myid() == 8 ? throw std::out_of_range("at 8") : int{myid()}; };
  EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { fetch_reduce(std::plus<>(), workers(), fails); }), "at 8"));
  cluster.kill(6);
  EXPECT_THROW(fetch_reduce(std::plus<>(), {2, 3, 4, 5, 6, 7}, [] { return 1; }), Error);
  EXPECT_EQ(fetch_reduce(std::plus<>(), {2, 3, 4, 5, 7}, [] { return 1; }), 5);
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

std::atomic<int> notes{0};

struct Note : detail::Registered<Note> {
  static bool try_on_loop(InArchive& archive, Payload& result) {
    invoke(archive, result);
    return true;
  }
  static void invoke(InArchive& archive, Payload& result) {
    int count = 0;
    std::vector<std::string> texts;
    archive(count, texts);
    archive.finish();
    if (count == 0) throw std::runtime_error("nothing to note");
    notes += count;
    OutArchive(result).operator()(count + 1);
  }
  static int ask(Pid pid, int count) {
    Payload payload;
    OutArchive(payload).operator()(count, std::vector<std::string>());
    return detail::decode_result<int>(detail::call_fetch(pid, id(), payload));
  }
  static void send(Pid pid, int count, const std::vector<std::string>& texts = {}) {
    Payload payload;
    OutArchive archive(payload);
    archive(count, texts);
    detail::call_do(pid, id(), payload);
  }
};

// The only slot is taken, by a function that does not wait.
TEST_P(MemoryCalls, WhatMayRunOnTheLoopNeedsNoThread) {
  notes = 0;
  TestCluster cluster(1, {}, wire());
  Note::send(2, 1);
  EXPECT_TRUE(eventually([] { return notes == 1; }));
  static std::atomic<bool> begun;
  begun = false;
  const auto busy = remotecall(
      [] {
        begun = true;
        return eventually([] { return notes == 53; });
      },
      2);
  EXPECT_TRUE(eventually([] { return begun.load(); }));
  Note::send(2, 0);  // throws, which is logged
  Note::send(2, 2);
  EXPECT_EQ(Note::ask(2, 20), 21);
  EXPECT_THROW(Note::ask(2, 0), RemoteException);
  EXPECT_EQ(Note::ask(2, 30), 31);
  EXPECT_TRUE(busy.fetch());
  Note::send(2, 4, std::vector<std::string>(20'000, "a message that is too long for it"));
  EXPECT_TRUE(eventually([] { return notes == 57; }));
}

COHORT_OVER_EACH_WIRE(MemoryCalls);

}  // namespace
}  // namespace cohort::test
