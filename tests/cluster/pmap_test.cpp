// Group Q: pmap.

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <forward_list>
#include <fstream>
#include <functional>
#include <iterator>
#include <list>
#include <map>
#include <mutex>
#include <ranges>
#include <set>
#include <sstream>

#include "cluster_test.hpp"
#include "processes.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using PmapTest = ClusterTest;

std::vector<int> hundred() {
  std::vector<int> numbers;
  for (int i = 1; i <= 100; i++) numbers.push_back(i);
  return numbers;
}

// 0, 1, 2 ... up to the first that is refused; each is asked about once, when it is its turn.
class NumbersWhile {
 public:
  explicit NumbersWhile(std::function<bool(int)> wanted) : wanted_(std::move(wanted)) {}

  class Iterator {
   public:
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(const NumbersWhile& numbers) : numbers_(&numbers) {}
    int operator*() const { return at_; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    void operator++(int) { ++at_; }
    bool operator==(std::default_sentinel_t) const { return !numbers_->wanted_(at_); }

   private:
    const NumbersWhile* numbers_;
    int at_ = 0;
  };
  Iterator begin() const { return Iterator(*this); }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::function<bool(int)> wanted_;
};

std::vector<int> squares() {
  std::vector<int> numbers;
  for (int i = 1; i <= 100; i++) numbers.push_back(i * i);
  return numbers;
}
int square(int x) { return x * x; }

TEST_F(PmapTest, WithoutWorkersItRunsHere) {
  EXPECT_EQ(pmap([](int x) { return 2 * x; }, range(1, 5)), (std::vector<int>{2, 4, 6, 8, 10}));
  EXPECT_EQ(pmap([](int) { return myid(); }, range(1, 2)), (std::vector<Pid>{1, 1}));
}

TEST_F(PmapTest, ResultsHaveTheOrderOfTheItemsWhateverTheyComeFrom) {
  addprocs(2);
  EXPECT_EQ(pmap(fn<square>, hundred()), squares());
  EXPECT_EQ(pmap(&square, range(1, 100)), squares());
  EXPECT_EQ(pmap(capture(1, [](int k, int x) { return k * x * x; }), range(1, 100)), squares());
  const std::string text = "some text";
  EXPECT_EQ(pmap([](char c) { return static_cast<char>(std::toupper(c)); }, text),
            (std::vector<char>{'S', 'O', 'M', 'E', ' ', 'T', 'E', 'X', 'T'}));
  EXPECT_EQ(pmap([](std::string s) { return s.size(); }, std::vector<const char*>{"a", "bcd"}),
            (std::vector<std::size_t>{1, 3}));
  EXPECT_EQ(pmap([](bool b) { return !b; }, std::vector<bool>{true, false}), (std::vector<bool>{false, true}));
  EXPECT_TRUE(pmap(fn<square>, std::vector<int>{}).empty());
}

#ifndef __clang__  // 14 does not understand the views of libstdc++ 12
TEST_F(PmapTest, TheItemsMayComeFromViews) {
  addprocs(2);
  EXPECT_EQ(pmap(fn<square>, std::views::iota(1, 101)), squares());
  std::istringstream words("to be or not");
  EXPECT_EQ(pmap([](const std::string& s) { return s + "!"; }, std::views::istream<std::string>(words)),
            (std::vector<std::string>{"to!", "be!", "or!", "not!"}));
  auto even = std::views::iota(1, 11) | std::views::filter([](int i) { return i % 2 == 0; });
  EXPECT_EQ(pmap(fn<square>, even), (std::vector<int>{4, 16, 36, 64, 100}));
}
#endif

TEST_F(PmapTest, SeveralRangesEndWithTheShortest) {
  addprocs(2);
  const std::list<double> x{1.5, 2.5, 3.5};
  EXPECT_EQ(pmap([](double a, int b) { return a * b; }, x, range(1, 100)), (std::vector<double>{1.5, 5, 10.5}));
  EXPECT_EQ(pmap([](int a, int b, int c) { return a + b + c; }, range(1, 3), range(10, 20), range(100, 102)),
            (std::vector<int>{111, 114, 117}));
}

TEST_F(PmapTest, ResultsMayBeNothingAtAll) {
  addprocs(1);
  static_assert(std::is_void_v<decltype(pmap([](int) {}, range(1, 3)))>);
  pmap([](int) {}, range(1, 3));
  int failed = 0;
  pmap(
      [](int i) {
        if (i == 2) throw std::runtime_error("two");
      },
      range(1, 3), {.on_error = [&](std::exception_ptr) { failed++; }});
  EXPECT_EQ(failed, 1);
}

TEST_F(PmapTest, EveryWorkerGetsSome) {
  addprocs(3);
  const auto pids = pmap([](int) { return myid(); }, range(1, 100));
  EXPECT_EQ(std::set<Pid>(pids.begin(), pids.end()), (std::set<Pid>{2, 3, 4}));
}

TEST_F(PmapTest, OnlyTheWorkersOfThePool) {
  addprocs(3);
  const auto pids = pmap([](int) { return myid(); }, range(1, 100), {.pool = WorkerPool({2, 4})});
  EXPECT_EQ(std::set<Pid>(pids.begin(), pids.end()), (std::set<Pid>{2, 4}));
}

// Q6: every combination of the options gives what its parts promise. Items fail on workers with an even id.
TEST_F(PmapTest, AllCombinationsOfTheOptions) {
  addprocs(4);
  const std::vector<Pid> odd{3, 5};
  const auto all = workers();
  for (int bits = 0; bits < 32; bits++) {
    SCOPED_TRACE(bits);
    const bool distributed = bits & 1, batched = bits & 2, handled = bits & 4, retried = bits & 8, checked = bits & 16;
    std::atomic<int> handled_count = 0, checked_count = 0;
    detail::pmap_options_t<decltype(fn<square>), Range<int>> options;
    options.distributed = distributed;
    if (batched) options.batch_size = 2;
    if (handled) {
      options.on_error = [&](std::exception_ptr error) -> int {
        handled_count++;
        if (retried) std::rethrow_exception(error);
        return -1;
      };
    }
    if (retried) options.retry_delays = std::vector<Duration>(3);
    if (checked) {
      options.retry_check = [&](std::exception_ptr error) {
        checked_count++;
        return contains(message_of(error), "foobar");
      };
    }
    // Without workers taking part there is nobody to retry with: nothing fails then.
    auto f = [](int) -> int {
      if (myid() != 1 && myid() % 2 == 0) throw std::runtime_error("foobar");
      return myid();
    };
    if (distributed && !handled && !retried) {
      EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { pmap(f, range(1, 100), options); }), "foobar"));
      continue;
    }
    const auto pids = pmap(f, range(1, 100), options);
    ASSERT_EQ(pids.size(), 100u);
    const std::set<Pid> seen(pids.begin(), pids.end());
    if (!distributed) {
      EXPECT_EQ(seen, std::set<Pid>{1});
      EXPECT_EQ(handled_count, 0);
    } else if (retried) {
      EXPECT_EQ(seen, (std::set<Pid>{3, 5}));
      EXPECT_EQ(handled_count > 0, handled);
      EXPECT_EQ(checked_count > 0, checked);
    } else {
      EXPECT_EQ(seen, (std::set<Pid>{-1, 3, 5}));
      EXPECT_EQ(handled_count, std::count(pids.begin(), pids.end(), -1));
      EXPECT_EQ(checked_count, 0);
    }
  }
}

std::atomic<bool> begun_early = false;  // of the master

// The early worker waits for both late ones, so without them it would never end.
TEST_F(PmapTest, WorkersThatAreAddedWhileItRunsTakePart) {
  const Pid early = addprocs(1).front();
  const std::vector<Future<void>> worked{Future<void>(myid()), Future<void>(myid())};  // of each late worker
  std::jthread late([] {
    EXPECT_TRUE(eventually([] { return begun_early.load(); }));
    addprocs(2);
  });
  const auto who =
      pmap(capture(worked, early,
                   [](const std::vector<Future<void>>& gates, Pid first, int) {
                     if (myid() == first) {
                       remote_do([] { begun_early = true; }, master_pid);
                       for (const auto& gate : gates) gate.wait();
                     } else {
                       static std::once_flag once;  // of the worker
                       std::call_once(once, [&] { gates.at(static_cast<std::size_t>(myid() - first - 1)).put(); });
                     }
                     return myid();
                   }),
           range(1, 100), {.deadline = 60s});
  EXPECT_EQ(who.size(), 100u);
  EXPECT_EQ(std::set<Pid>(who.begin(), who.end()), (std::set<Pid>{early, early + 1, early + 2}));
}

TEST_F(PmapTest, WorkersThatAreAddedWhileAStreamRunsTakePart) {
  addprocs(1);
  std::jthread late;
  std::set<Pid> seen;
  int items = 0;
  // The items go on until the late worker has done one; the limit is for the case that it never does.
  const auto limit = deadline_after(60s);
  NumbersWhile more([&](int) { return !seen.contains(3) && Clock::now() < limit; });
  for (auto& [index, pid] : pmap_stream([](int) { return myid(); }, more)) {
    seen.insert(pid);
    if (++items == 5) late = std::jthread([] { addprocs(1); });
  }
  EXPECT_TRUE(seen.contains(3));
}

TEST_F(PmapTest, RemovedWorkersGetNoMore) {
  addprocs(3);
  std::size_t done_by_removed_after = 0, seen = 0;
  for (auto& [index, pid] : pmap_stream([](int) { return myid(); }, range(1, 2000), {.retry_delays = {0s}})) {
    if (++seen == 20) rmprocs(3);
    if (seen > 20 && pid == 3) done_by_removed_after++;
  }
  EXPECT_EQ(seen, 2000u);
  EXPECT_LT(done_by_removed_after, 50u);  // what had been sent to it before
  EXPECT_EQ(workers(), (std::vector<Pid>{2, 4}));
}

TEST_F(PmapTest, InsideOfEachOther) {
  addprocs(2);
  const auto sums = pmap(
      [](int i) {
        int sum = 0;
        for (const int x : pmap(capture(i, [](int k, int y) { return k * y; }), range(1, 10))) sum += x;
        return sum;
      },
      range(1, 20));
  for (int i = 1; i <= 20; i++) EXPECT_EQ(sums[static_cast<std::size_t>(i - 1)], 55 * i);
}

TEST_F(PmapTest, FromSeveralThreads) {
  addprocs(2);
  std::vector<std::vector<int>> results(4);
  {
    std::vector<std::jthread> threads;
    for (auto& result : results) threads.emplace_back([&result] { result = pmap(fn<square>, range(1, 100)); });
  }
  for (const auto& result : results) EXPECT_EQ(result, squares());
}

TEST_F(PmapTest, AShortItemMayWaitForTheOneBehindIt) {
  addprocs(2);
  std::vector<Future<int>> gates;
  for (int i = 0; i < 20; i++) gates.emplace_back(myid());
  const auto results = pmap(capture(gates,
                                    [](const std::vector<Future<int>>& all, int i) {
                                      const auto gate = static_cast<std::size_t>(i % 100 / 2);
                                      if (i < 1000 || gate >= all.size() || i >= 1100) return i;
                                      if (i % 2 == 1) all[gate].put(i);
                                      return all[gate].fetch();
                                    }),
                            range(0, 3999), {.deadline = 60s});
  for (int i = 0; i < 4000; i++) EXPECT_EQ(results[static_cast<std::size_t>(i)], i >= 1000 && i < 1040 ? i | 1 : i);
}

// Short items teach it to have several waiting at each worker. Those behind a long one are asked back.
TEST_F(PmapTest, NothingWaitsBehindALongItemWhileAnotherWorkerIsIdle) {
  addprocs(2);
  const TemporaryDirectory directory;
  const auto others_are_done = [](const std::string& path, int i) {
    const auto done = [&] {
      return std::distance(std::filesystem::directory_iterator(path), std::filesystem::directory_iterator());
    };
    if (i == 300) return eventually([&] { return done() == 30; });
    if (i > 300) std::ofstream(path + "/" + std::to_string(i));
    return true;
  };
  const auto results = pmap(capture(directory.path(""), others_are_done), range(1, 330), {.batch_size = 1});
  EXPECT_EQ(std::count(results.begin(), results.end(), true), 330);
}

TEST_F(PmapTest, AnItemThatIsLongAmongShortOnesHoldsUpOnlyAFewBehindIt) {
  addprocs(2);
  const TemporaryDirectory directory;
  const std::string done = directory.path("done");
  std::ofstream(done).flush();
  // The long one only computes until many of those behind it are done: by the other worker, as it has its own busy.
  const auto who = pmap(capture(done,
                                [](const std::string& file, int i) {
                                  const auto end = Clock::now() + 30s;
                                  while (i == 1000 && std::filesystem::file_size(file) < 300) {
                                    if (Clock::now() > end) return no_pid;
                                  }
                                  if (i > 1000) std::ofstream(file, std::ios::app) << '.';
                                  return myid();
                                }),
                        range(1, 2000));
  EXPECT_NE(who[999], no_pid) << "those behind it waited for it";
}

TEST_F(PmapTest, TheFasterWorkerDoesMore) {
  addprocs(2);
  std::map<Pid, int> count;
  for (const Pid pid : pmap(
           [](int) {
             const auto end = Clock::now() + std::chrono::milliseconds(myid() == 2 ? 2 : 40);
             while (Clock::now() < end) continue;
             return myid();
           },
           range(1, 60))) {
    count[pid]++;
  }
  EXPECT_GT(count[2], 2 * count[3]);
}

TEST_F(PmapTest, ItStopsAtItsDeadlineAndWhenItIsStoppedAndCallsOffWhatRuns) {
  addprocs(1);
  const auto endless = [](int) {
    for (;;) interruption_point();
  };
  EXPECT_THROW(pmap(endless, range(1, 3), {.deadline = 50ms}), TimeoutError);
  EXPECT_EQ(remotecall_fetch([] { return 1; }, 2), 1);  // its only slot is free again
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_THROW(pmap(endless, range(1, 3), {.stop_token = stop.get_token()}), CancelledException);
  EXPECT_EQ(remotecall_fetch([] { return 1; }, 2), 1);
  EXPECT_THROW(pmap(
                   [](int i) {
                     if (i == 2) throw std::runtime_error("two");
                     for (;;) interruption_point();
                   },
                   range(1, 2), {.pool = WorkerPool({2, addprocs(1).front()})}),
               RemoteException);
  for (const Pid pid : workers()) EXPECT_EQ(remotecall_fetch([] { return 1; }, pid), 1);
}

Task<int> doubled(Future<int> gate, int x) { co_return x* co_await gate; }

TEST_F(PmapTest, CoroutinesOfABatchRunSideBySide) {
  addprocs(1);
  const auto results = pmap(
      [](int i) -> Task<int> {
        static Future<int> gate(myid());  // of the worker: the last of the batch opens it for all
        if (i == 4) gate.put(10);
        return doubled(gate, i);
      },
      range(1, 4), {.batch_size = 4});
  EXPECT_EQ(results, (std::vector<int>{10, 20, 30, 40}));
}

TEST_F(PmapTest, AStreamGivesResultsAsTheyComeAndLooksAheadOnlyALittle) {
  addprocs(2);
  std::size_t pulled = 0, most_ahead = 0, seen = 0;
  NumbersWhile counted([&](int i) {
    pulled = static_cast<std::size_t>(i) + 1;
    return i < 2000;
  });
  std::vector<bool> came(2000);
  for (auto& [index, result] : pmap_stream(fn<square>, counted)) {
    EXPECT_EQ(result, static_cast<int>(index * index));
    came[index] = true;
    most_ahead = std::max(most_ahead, pulled - seen);
    seen++;
  }
  EXPECT_EQ(seen, 2000u);
  EXPECT_EQ(std::count(came.begin(), came.end(), true), 2000);
  EXPECT_LE(most_ahead, 200u);
}

TEST_F(PmapTest, WhatCannotBeDecodedIsAnErrorLikeAnyOther) {
  addprocs(1);
  struct Fragile {
    int value = 0;
    void save(OutArchive& archive) const { archive(value); }
    void load(InArchive& archive) {
      archive(value);
      if (value == 3 && myid() != 1) throw BadMessage("a three");
    }
  };
  std::vector<Fragile> items(5);
  for (int i = 0; i < 5; i++) items[static_cast<std::size_t>(i)].value = i;
  const auto results =
      pmap([](const Fragile& item) { return item.value; }, items, {.on_error = [](std::exception_ptr) { return -1; }});
  EXPECT_EQ(results, (std::vector<int>{0, 1, 2, -1, 4}));
}

}  // namespace
}  // namespace cohort::test
