// Groups G, H and N of Distributed's behaviours: the remote call functions.

#include <numeric>
#include <optional>
#include <thread>

#include "cluster_test.hpp"

namespace cohort::test {
namespace {

using CallsTest = ClusterTest;

int add(int a, int b) { return a + b; }

struct Scale {
  double factor;
  double operator()(double x) const { return factor * x; }
};

TEST_F(CallsTest, EveryKindOfFunctionCanBeCalled) {
  const Pid pid = addprocs(1).front();
  EXPECT_EQ(remotecall_fetch(fn<add>, pid, 1, 2), 3);
  EXPECT_EQ(remotecall_fetch(&add, pid, 1, 2), 3);
  EXPECT_EQ(remotecall_fetch([](int a, int b) { return a * b; }, pid, 6, 7), 42);
  EXPECT_EQ(remotecall_fetch(Scale{3}, pid, 2.0), 6.0);
  const std::string greeting = "hello ";
  EXPECT_EQ(remotecall_fetch(capture(greeting, 2,
                                     [](const std::string& text, int n, std::string name) {
                                       for (int i = 0; i < n; i++) name += "!";
                                       return text + name;
                                     }),
                             pid, "world"),
            "hello world!!");
}

TEST_F(CallsTest, AllFormsOfACallAgree) {
  const Pid pid = addprocs(1).front();
  for (Pid p : {pid, myid()}) {
    EXPECT_EQ(remotecall(fn<add>, p, 20, 22).fetch(), 42);
    EXPECT_EQ(remotecall_fetch(fn<add>, p, 20, 22), 42);
    EXPECT_EQ(remotecall_wait(fn<add>, p, 20, 22).fetch(), 42);
    EXPECT_EQ(spawnat(p, fn<add>, 20, 22).fetch(), 42);
    EXPECT_EQ(fetchfrom(p, fn<add>, 20, 22), 42);
    Future<int> filled(myid());
    remote_do([](Future<int> future, int value) { future.put(value); }, p, filled, 42);
    EXPECT_EQ(filled.fetch(), 42);
  }
}

TEST_F(CallsTest, EveryProcessKnowsItsId) {
  addprocs(3);
  for (Pid pid : procs()) EXPECT_EQ(remotecall_fetch([] { return myid(); }, pid), pid);
  EXPECT_EQ(remotecall_fetch([] { return this_call().caller(); }, 2), 1);
}

TEST_F(CallsTest, AFunctionWithoutResultReturnsNothing) {
  const Pid pid = addprocs(1).front();
  remotecall_fetch([] {}, pid);
  remotecall([] {}, pid).fetch();
  remotecall_wait([] {}, pid).wait();
}

TEST_F(CallsTest, ARemotecallReturnsBeforeTheFunctionHasRun) {
  const Pid pid = addprocs(1).front();
  Future<int> release(myid());
  auto waiting = remotecall([](Future<int> gate) { return gate.fetch() + 1; }, pid, release);
  EXPECT_FALSE(waiting.is_ready());
  release.put(1);
  EXPECT_EQ(waiting.fetch(), 2);
}

TEST_F(CallsTest, TenThousandCallsInSequenceAndAtOnce) {
  const Pid pid = addprocs(1).front();
  for (int i = 0; i < 10'000; i++) ASSERT_EQ(remotecall_fetch([](int x) { return x + 1; }, pid, i), i + 1);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 10'000; i++) futures.push_back(remotecall([](int x) { return x + 1; }, pid, i));
  for (int i = 0; i < 10'000; i++) ASSERT_EQ(futures[static_cast<std::size_t>(i)].fetch(), i + 1);
}

TEST_F(CallsTest, LargeValuesArriveEqual) {
  const Pid pid = addprocs(1).front();
  std::vector<double> numbers(1'000'000);
  std::iota(numbers.begin(), numbers.end(), 0.5);
  EXPECT_EQ(remotecall_fetch([](std::vector<double> v) { return v; }, pid, numbers), numbers);
  EXPECT_EQ(remotecall([](std::vector<double> v) { return v; }, pid, numbers).fetch(), numbers);
  std::vector<std::string> words;
  for (int i = 0; i < 100'000; i++) words.push_back("word " + std::to_string(i));
  EXPECT_EQ(remotecall_fetch([](std::vector<std::string> v) { return v; }, pid, words), words);
  const std::string text(3'000'000, 'x');
  EXPECT_EQ(remotecall_fetch([](std::string t) { return t; }, pid, text.c_str()), text);
}

TEST_F(CallsTest, WritersFromManyThreadsDoNotInterleave) {
  const Pid pid = addprocs(1).front();
  std::vector<std::jthread> threads;
  for (int t = 0; t < 10; t++) {
    threads.emplace_back([pid, t] {
      for (int i = 0; i < 10; i++) {
        std::vector<double> numbers(200'000, t + i * 0.5);
        EXPECT_EQ(remotecall_fetch([](std::vector<double> v) { return v; }, pid, numbers), numbers);
      }
    });
  }
}

TEST_F(CallsTest, CallsBackToTheCallerAndChainsDoNotDeadlock) {
  addprocs(3);
  // 1 -> 2 -> 1 -> 2
  const int back = remotecall_fetch(
      [] { return remotecall_fetch([] { return remotecall_fetch([] { return myid() * 100; }, 2) + myid(); }, 1) + 1; },
      2);
  EXPECT_EQ(back, 202);
  // four deep over three workers
  const int deep = remotecall_fetch(
      [] {
        return remotecall_fetch(
                   [] {
                     return remotecall_fetch([] { return remotecall_fetch([] { return myid(); }, 2) * 10 + myid(); },
                                             4) *
                                10 +
                            myid();
                   },
                   3) *
                   10 +
               myid();
      },
      2);
  EXPECT_EQ(deep, 2432);
}

TEST_F(CallsTest, ManyNestedCallsAtOnceDoNotDeadlock) {
  addprocs(2);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 200; i++) {
    futures.push_back(remotecall(
        [](int x) {
          return remotecall_fetch([](int y) { return remotecall_fetch([](int z) { return z + 1; }, 2, y) + 1; }, 3, x) +
                 1;
        },
        2, i));
  }
  for (int i = 0; i < 200; i++) EXPECT_EQ(futures[static_cast<std::size_t>(i)].fetch(), i + 3);
}

TEST_F(CallsTest, FunctionsCanBePassedOn) {
  addprocs(2);
  auto twice = [](int x) { return 2 * x; };
  EXPECT_EQ(remotecall_fetch([](int x) { return remotecall_fetch([](int y) { return 2 * y; }, 3, x) + 1; }, 2, 3), 7);
  EXPECT_EQ(
      remotecall_fetch(capture(Scale{2}, [](Scale scale, double x) { return remotecall_fetch(scale, 3, x); }), 2, 4.0),
      8.0);
  EXPECT_EQ(remotecall_fetch(twice, 3, 4), 8);
}

TEST_F(CallsTest, SpawnatAnyTakesTurns) {
  const auto pids = addprocs(3);
  std::vector<Pid> used;
  for (std::size_t i = 0; i < pids.size(); i++) used.push_back(spawnat(any, [] { return myid(); }).fetch());
  std::sort(used.begin(), used.end());
  EXPECT_EQ(used, pids);
}

TEST(NoWorkers, TheMasterCountsAsOne) {
  EXPECT_EQ(myid(), 1);
  EXPECT_EQ(nprocs(), 1);
  EXPECT_EQ(nworkers(), 1);
  EXPECT_EQ(procs(), std::vector<Pid>{1});
  EXPECT_EQ(workers(), std::vector<Pid>{1});
  EXPECT_EQ(spawnat(any, [] { return myid(); }).fetch(), 1);
}

TEST_F(CallsTest, ALocalCallSharesItsArgumentsAndARemoteOneCopies) {
  const Pid pid = addprocs(1).front();
  const std::vector<int> here{1, 2, 3};
  auto address = [](const std::vector<int>& v) { return reinterpret_cast<std::uintptr_t>(v.data()); };
  EXPECT_EQ(remotecall_fetch(address, myid(), here), reinterpret_cast<std::uintptr_t>(here.data()));
  std::vector<int> there{0};
  auto set_first = [](std::vector<int> v) {
    v[0] = 1;
    return v;
  };
  EXPECT_EQ(remotecall_fetch(set_first, pid, there), std::vector<int>{1});
  EXPECT_EQ(there, std::vector<int>{0});
}

TEST_F(CallsTest, CallsToOneWorkerArriveInOrder) {
  const Pid pid = addprocs(1).front();
  for (int i = 0; i < 1000; i++) {
    remote_do(
        [](int n) {
          static int expected = 0;
          if (n != expected++) std::abort();
        },
        pid, i);
  }
  EXPECT_EQ(remotecall_fetch([] { return 1; }, pid), 1);
}

struct Picky {
  int value = 0;
  void save(OutArchive& archive) const { archive(value); }
  void load(InArchive& archive) {
    archive(value);
    if (value < 0) throw BadMessage("negative");
  }
};

struct Unsendable {
  int value = 0;
  void save(OutArchive& archive) const {
    if (value == 13) throw Error("thirteen cannot be sent");
    archive(value);
  }
  void load(InArchive& archive) { archive(value); }
};

TEST_F(CallsTest, AnArgumentThatCannotBeDecodedIsAnExceptionAndTheConnectionLives) {
  const Pid pid = addprocs(1).front();
  auto take = [](Picky p) { return p.value; };
  EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { remotecall_fetch(take, pid, Picky{-1}); }), "negative"));
  EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { remotecall(take, pid, Picky{-1}).fetch(); }), "negative"));
  EXPECT_EQ(remotecall_fetch(take, pid, Picky{7}), 7);
}

TEST_F(CallsTest, AResultThatCannotBeEncodedIsAnExceptionAndTheConnectionLives) {
  const Pid pid = addprocs(1).front();
  auto make = [](int n) { return Unsendable{n}; };
  EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { remotecall_fetch(make, pid, 13); }), "thirteen"));
  EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { remotecall(make, pid, 13).fetch(); }), "thirteen"));
  EXPECT_EQ(remotecall_fetch(make, pid, 12).value, 12);
}

TEST_F(CallsTest, AnArgumentThatCannotBeEncodedFailsHereAndNothingIsSent) {
  const Pid pid = addprocs(1).front();
  EXPECT_EQ(thrown_by<Error>([&] { remotecall_fetch([](Unsendable u) { return u.value; }, pid, Unsendable{13}); }),
            "thirteen cannot be sent");
  EXPECT_EQ(remotecall_fetch([](Unsendable u) { return u.value; }, pid, Unsendable{1}), 1);
}

TEST_F(CallsTest, CallsToWhoNeverWasAndToWhoIsGone) {
  const Pid pid = addprocs(1).front();
  EXPECT_EQ(thrown_by<Error>([&] { remotecall_fetch([] { return 1; }, 99); }), "no process with id 99 exists");
  rmprocs(pid);
  EXPECT_THROW(remotecall_fetch([] { return 1; }, pid), ProcessExitedException);
}

TEST_F(CallsTest, WorkersCallEachOther) {
  addprocs(3);
  EXPECT_EQ(remotecall_fetch([] { return remotecall_fetch([] { return myid(); }, 3); }, 2), 3);
  EXPECT_EQ(remotecall_fetch([] { return remotecall_fetch([] { return myid(); }, 2); }, 4), 2);
}

}  // namespace
}  // namespace cohort::test
