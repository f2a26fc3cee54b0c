#include <map>
#include <numeric>

#include "cluster_test.hpp"
#include "counted.hpp"

namespace cohort::test {
namespace {

class ValuesTest : public ClusterTest {};

int number_of(const std::string& name) { return value<Counted>(name)->number; }

TEST_F(ValuesTest, AValueIsKnownInAllProcesses) {
  addprocs(2);
  set_value("rates", std::map<std::string, double>{{"eur", 1.1}});
  set_value("title", "text");
  for (const Pid pid : procs()) {
    EXPECT_EQ(remotecall_fetch([] { return value<std::map<std::string, double>>("rates")->at("eur"); }, pid), 1.1);
    EXPECT_EQ(remotecall_fetch([] { return *value<std::string>("title"); }, pid), "text");
  }
}

TEST_F(ValuesTest, WorkersThatComeLaterHaveIt) {
  set_value("k", Counted{5});
  addprocs(2);
  set_value("late", 2.5);
  addprocs(1);
  for (const Pid pid : workers()) {
    EXPECT_EQ(remotecall_fetch(fn<number_of>, pid, "k"), 5);
    EXPECT_EQ(remotecall_fetch([] { return *value<double>("late"); }, pid), 2.5);
  }
}

TEST_F(ValuesTest, ItIsEncodedOnceAndDecodedOnceInEachProcess) {
  addprocs(3);
  const int before = Counted::written;
  set_value("k", Counted{7});
  addprocs(1);
  for (int i = 0; i < 3; i++) {
    for (const Pid pid : workers()) EXPECT_EQ(remotecall_fetch(fn<number_of>, pid, "k"), 7);
  }
  EXPECT_EQ(number_of("k"), 7);
  EXPECT_EQ(Counted::written - before, 1);
  EXPECT_EQ(Counted::read, 0);  // the master has the object itself
  for (const Pid pid : workers()) EXPECT_EQ(remotecall_fetch(fn<times_read>, pid), 1);
}

TEST_F(ValuesTest, OnlyWhatChangedIsSentAgain) {
  const Pid pid = addprocs(1).front();
  const auto decoded = [&](int number) {
    set_value("k", Counted{number});
    EXPECT_EQ(remotecall_fetch(fn<number_of>, pid, "k"), number);
    return remotecall_fetch(fn<times_read>, pid);
  };
  EXPECT_EQ(decoded(1), 1);
  EXPECT_EQ(decoded(1), 1);
  EXPECT_EQ(decoded(2), 2);
  EXPECT_EQ(decoded(1), 3);  // back to an old value: seen too
}

TEST_F(ValuesTest, AHeldValueStaysWhatItWas) {
  set_value("k", Counted{1});
  const auto held = value<Counted>("k");
  set_value("k", Counted{2});
  EXPECT_EQ(held->number, 1);
  EXPECT_EQ(value<Counted>("k")->number, 2);
  clear("k");
  EXPECT_EQ(held->number, 1);
}

TEST_F(ValuesTest, LargeArraysArrive) {
  std::vector<double> numbers(1 << 18);
  std::iota(numbers.begin(), numbers.end(), 0.0);
  set_value("numbers", numbers);
  set_value("array", Array<double>(numbers));
  addprocs(2);
  const auto sums = [] {
    const auto v = value<std::vector<double>>("numbers");
    const auto a = value<Array<double>>("array");
    return std::pair(std::accumulate(v->begin(), v->end(), 0.0), std::accumulate(a->begin(), a->end(), 0.0));
  };
  const double sum = std::accumulate(numbers.begin(), numbers.end(), 0.0);
  for (const Pid pid : procs()) EXPECT_EQ(remotecall_fetch(sums, pid), std::pair(sum, sum)) << pid;
}

TEST_F(ValuesTest, AFutureAsAValueIsOneForAll) {
  const auto pids = addprocs(2);
  Future<int> result(master_pid);
  set_value("result", result);
  addprocs(1);
  remotecall_fetch([] { value<Future<int>>("result")->put(42); }, pids[1]);
  for (const Pid pid : procs()) {
    EXPECT_EQ(remotecall_fetch([] { return value<Future<int>>("result")->fetch(); }, pid), 42) << pid;
  }
}

TEST_F(ValuesTest, AnotherTypeIsRefusedWithBothNames) {
  const Pid pid = addprocs(1).front();
  set_value("k", std::vector<double>{1.0});
  const auto wrong = [] { return value<std::vector<float>>("k")->size(); };
  for (const Pid each : {pid, master_pid}) {
    const auto text = thrown_by([&] { remotecall_fetch(wrong, each); });
    EXPECT_TRUE(contains(text, "'k'") && contains(text, "vector<double") && contains(text, "vector<float")) << text;
  }
  EXPECT_EQ(remotecall_fetch([] { return value<std::vector<double>>("k")->size(); }, pid), 1u);
}

TEST_F(ValuesTest, AnUnknownNameIsAnErrorWithTheNearestOne) {
  const Pid pid = addprocs(1).front();
  set_value("temperature", 1);
  const auto text = thrown_by([&] { remotecall_fetch([] { return *value<int>("temprature"); }, pid); });
  EXPECT_TRUE(contains(text, "process 2 has no value named 'temprature'; did you mean 'temperature'?")) << text;
}

TEST_F(ValuesTest, AWorkerCanSetAValueForAll) {
  const auto pids = addprocs(2);
  remotecall_fetch([] { set_value("from", myid()); }, pids[1]);
  addprocs(1);
  for (const Pid pid : procs()) {
    EXPECT_EQ(remotecall_fetch([] { return *value<int>("from"); }, pid), pids[1]) << pid;
  }
  remotecall_fetch([] { clear(); }, pids[0]);
  EXPECT_TRUE(contains(thrown_by([] { value<int>("from"); }), "no value named"));
}

bool has(const std::string& name) {
  return thrown_by([&] { value<int>(name); }).empty();
}

TEST_F(ValuesTest, ClearedValuesAreGoneEverywhereAndForWorkersToCome) {
  addprocs(1);
  for (const auto* name : {"a", "b", "c"}) set_value(name, 1);
  clear({"a", "a"});
  clear("unknown");
  addprocs(1);
  for (const Pid pid : procs()) {
    EXPECT_FALSE(remotecall_fetch(fn<has>, pid, "a")) << pid;
    EXPECT_TRUE(remotecall_fetch(fn<has>, pid, "b")) << pid;
  }
  clear();
  for (const Pid pid : procs()) EXPECT_FALSE(remotecall_fetch(fn<has>, pid, "c")) << pid;
  set_value("a", 1);
  for (const Pid pid : procs()) EXPECT_TRUE(remotecall_fetch(fn<has>, pid, "a")) << pid;
}

TEST_F(ValuesTest, ClearedOnSomeItComesBackWithTheNextSetting) {
  const auto pids = addprocs(2);
  set_value("a", 1);
  clear("a", {pids[0]});
  EXPECT_FALSE(remotecall_fetch(fn<has>, pids[0], "a"));
  EXPECT_TRUE(remotecall_fetch(fn<has>, pids[1], "a"));
  EXPECT_TRUE(has("a"));
  set_value("b", 1);
  EXPECT_FALSE(remotecall_fetch(fn<has>, pids[0], "a"));
  set_value("a", 1);
  EXPECT_TRUE(remotecall_fetch(fn<has>, pids[0], "a"));
}

// Refuses to be read in workers, but not in the master.
struct Fussy {
  int number = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number);
    if (!Archive::is_saving::value) throw std::domain_error("not here");
  }
};

TEST_F(ValuesTest, WhatCannotBeDecodedIsAnErrorOfTheReader) {
  const Pid pid = addprocs(1).front();
  set_value("fussy", Fussy{1});
  for (int i = 0; i < 2; i++) {
    EXPECT_TRUE(
        contains(thrown_by([&] { remotecall_fetch([] { return value<Fussy>("fussy")->number; }, pid); }), "not here"));
  }
}

TEST_F(ValuesTest, ManySetAtTheSameTimeAllEndWithTheSame) {
  addprocs(2);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([t] {
      for (int i = 0; i < 20; i++) set_value("k", 100 * t + i);
    });
  }
  const auto late = addprocs(1);
  for (auto& thread : threads) thread.join();
  const int last = *value<int>("k");
  for (const Pid pid : workers()) EXPECT_EQ(remotecall_fetch([] { return *value<int>("k"); }, pid), last) << pid;
}

}  // namespace
}  // namespace cohort::test
