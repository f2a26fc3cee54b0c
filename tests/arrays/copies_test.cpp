#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/arrays.hpp>
#include <cohort/cohort.hpp>

#include "darray_test.hpp"

namespace cohort::test {
namespace {

using CopiesTest = DArrayTest;

/// Ends a worker, and waits until the master knows: before, repair() has nothing to do.
void end(cohort::testing::TestCluster& cluster, Pid victim) {
  cluster.kill(victim);
  EXPECT_TRUE(eventually([&] { return !detail::is_alive(victim); }));
}

std::string what_is_thrown(const std::function<void()>& f) {
  try {
    f();
  } catch (const ProcessExitedException& error) {
    return std::to_string(error.worker_id()) + ": " + error.what();
  } catch (const std::exception& error) {
    return std::string("another exception: ") + error.what();
  }
  return "nothing";
}

TEST_F(CopiesTest, ALostPartIsNamed) {
  const auto a = distribute(numbered<2>({6, 4}), {.pids = {2, 3, 4}, .grid = {3, 1}});
  const auto b = distribute(numbered<2>({6, 4}), {.pids = {5, 6}, .grid = {2, 1}});
  end(cluster, 3);
  const std::string lost = "it held the part [2, 4) x [0, 4) of an array of 6 x 4 elements, which is lost";
  using Operation = std::function<void()>;
  for (const Operation& operation : std::vector<Operation>{
           [&] { a.gather(); },
           [&] {
             a.at({2, 0});
           },
           [&] {
             a.put({{1, 0}, {3, 4}}, NdArray<double, 2>({2, 4}));
           },
           [&] { sum(a); }, [&] { DArray<double, 2> c = a + a; }, [&] { DArray<double, 2> c = b + a; },
           [&] { for_each([](double& x) { x = 0; }, a); }, [&] { sum(a, dim<0>); }, [&] { transpose(a); },
           [&] { static_cast<void>(b * transpose(b)), a* distribute(numbered<1>({4}), {.pids = {2}}); },
           [&] {
             a.redistribute({.pids = {2, 4}});
           },
           [&] { a.reshape({24}); }, [&] { a.repair(); }, [&] { a.copy(); }, [&] { static_cast<void>(a == b); },
           [&] { stencil(a, {}, [](const auto& at) { return at(0, 0); }); }}) {
    const std::string thrown = what_is_thrown(operation);
    EXPECT_TRUE(contains(thrown, "3: ")) << thrown;
    EXPECT_TRUE(contains(thrown, lost)) << thrown;
  }
  EXPECT_EQ(a.get({{4, 0}, {6, 4}}).size(), 8u) << "what is left can be read";
}

TEST_F(CopiesTest, ItSurvivesOneDeathAfterTheOther) {
  const auto local = numbered<2>({30, 20});
  for (const Repair mode : {Repair::manual, Repair::automatic}) {
    cohort::testing::TestCluster six(6);
    const auto a = distribute(local, {.copies = 1, .repair = mode});
    a.add({{0, 0}, {30, 20}}, NdArray<double, 2>({30, 20}, 1.0));
    NdArray<double, 2> expected = local + 1.0;
    for (const Pid victim : {4, 2, 7, 3}) {
      end(six, victim);
      EXPECT_EQ(a.gather(), expected) << victim;
      EXPECT_EQ(sum(a), sum(expected));
      if (mode == Repair::manual) a.repair();
      for_each([](double& x) { x *= 2; }, a);
      expected *= 2.0;
      a.put({{3, 4}, {13, 14}}, NdArray<double, 2>({10, 10}, victim));
      for (std::size_t i = 3; i < 13; i++)
        for (std::size_t j = 4; j < 14; j++) expected(i, j) = victim;
      const DArray<double, 2> twice = a + a;
      EXPECT_EQ(twice.gather(), (NdArray<double, 2>(expected + expected)));
    }
    six.add(2);
    const auto wider = a.redistribute({.pids = workers(), .copies = 1});
    EXPECT_EQ(wider.gather(), expected);
    EXPECT_EQ(wider.pids().size(), 4u) << "the processes that came later have parts";
  }
}

TEST_F(CopiesTest, AnotherHandleLearnsOfTheRepair) {
  const auto a = distribute(numbered<1>({60}), {.copies = 1});
  const auto other = remotecall_fetch([](const DArray<double, 1>& it) { return it; }, 7, a);
  end(cluster, 2);
  a.repair();
  end(cluster, 3);  // which had the copy of what 2 had, and is its owner now
  EXPECT_EQ(other.gather(), a.gather());
  EXPECT_EQ(other.gather(), numbered<1>({60}));
}

TEST_F(CopiesTest, AfterAFunctionThatThrewTheCopyIsAsThePart) {
  const auto a = dzeros({4}, {.pids = {2, 3}, .copies = 1});
  const auto f = [](double& x) {
    if (x != 0) throw std::runtime_error("met twice");
    x = 1;
  };
  for_each(f, a);
  a.put({{0}, {1}}, NdArray<double, 1>{0});
  EXPECT_THROW(for_each(f, a), RemoteException) << "the first element is changed, the second one throws";
  const auto before = a.gather();
  EXPECT_EQ(before, (NdArray<double, 1>{1, 1, 1, 1}));
  end(cluster, 2);
  EXPECT_EQ(a.gather(), before);
}

TEST_F(CopiesTest, WhatCannotBeIsAnError) {
  EXPECT_THROW(dzeros({5}, {.copies = 2}), Error);
  EXPECT_THROW(dzeros({5}, {.pids = {99}}), Error);
  EXPECT_THROW(dzeros({5}, {.grid = {7}}), Error);
  EXPECT_THROW(dzeros({5, 5}, {.cuts = {{0, 3}, {}}}), Error);
  EXPECT_THROW(dzeros({5, 5}, {.cuts = {{0, 3, 5}, {}, {}}}), Error);
  EXPECT_THROW(dzeros({0, 5}, {.cuts = {{0}, {}}}), Error) << "one cut makes no part";
  EXPECT_EQ(dzeros({10, 10}, {.cuts = {{0, 3, 10}, {}}}).boxes(),
            (std::vector<Box<2>>{{{0, 0}, {3, 10}}, {{3, 0}, {10, 10}}}));
}

/// A number that ends a worker when it is copied for the n-th time between processes.
struct Fragile {
  double value = 0;
  Fragile() = default;
  Fragile(double v) : value(v) {}
  static inline std::atomic<int> left{-1};
  static inline std::function<void()> strike;
  friend bool operator==(const Fragile&, const Fragile&) = default;
  friend bool operator<(const Fragile& a, const Fragile& b) { return a.value < b.value; }
  friend Fragile operator+(const Fragile& a, const Fragile& b) { return a.value + b.value; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
    if (left >= 0 && --left == -1) strike();
  }
};

TEST(Deaths, AtEveryStepOfEachOperation) {
  using Local = NdArray<Fragile, 1>;
  using Distributed = DArray<Fragile, 1>;
  Local local(Extents<1>{8}), ones(Extents<1>{8}, Fragile(1));
  for (std::size_t i = 0; i < 8; i++) local[i] = static_cast<double>(i);
  const auto plus = [](const Local& a, const Local& b) {
    Local result(a.extents());
    for (std::size_t i = 0; i < a.size(); i++) result[i] = a[i] + b[i];
    return result;
  };
  struct Operation {
    const char* name;
    std::function<Local(Distributed&)> run;
    Local expected;
  };
  const std::vector<Operation> operations = {
      {"gather", [](Distributed& a) { return a.gather(); }, local},
      {"distribute", [&](Distributed& a) { return distribute(ones, like(a)).gather(); }, ones},
      {"expression", [](Distributed& a) { return Distributed(a + a).gather(); }, plus(local, local)},
      {"put",
       [&](Distributed& a) {
         return a.put({{0}, {8}}, ones), a.gather();
       },
       ones},
      {"add",
       [&](Distributed& a) {
         return a.add({{0}, {8}}, ones), a.gather();
       },
       plus(local, ones)},
      {"for_each",
       [](Distributed& a) {
         for_each([](Fragile& x) { x.value += 1; }, a);
         return a.gather();
       },
       plus(local, ones)},
      {"reduce", [](Distributed& a) { return Local{reduce(std::plus<>(), Fragile(), a)}; }, Local{Fragile(28)}},
      {"redistribute",
       [](Distributed& a) {
         return a.redistribute({.pids = {2, 4}}).gather();
       },
       local},
  };
  int struck = 0, survived = 0;
  for (const auto& operation : operations) {
    for (const int copies : {0, 1}) {
      for (int step = 0; step < 200; step++) {
        SCOPED_TRACE(std::string(operation.name) + ", copies " + std::to_string(copies) + ", step " +
                     std::to_string(step));
        bool reached = false;
        {
          cohort::testing::TestCluster cluster(3);
          auto a = distribute(local, {.pids = {2, 3, 4}, .copies = copies});
          std::atomic<bool> go{false};
          std::jthread killer([&](const std::stop_token& stop) {
            const Node::Scope scope(cluster.master());
            while (!go && !stop.stop_requested()) go.wait(false);
            if (go && !stop.stop_requested()) cluster.kill(3);
          });
          Fragile::strike = [&] {
            go = true;
            go.notify_all();
          };
          Fragile::left = step;
          try {
            const Local result = operation.run(a);
            EXPECT_EQ(result, operation.expected);
            survived++;
          } catch (const ProcessExitedException& error) {
            EXPECT_EQ(copies, 0) << error.what();
            EXPECT_EQ(error.worker_id(), 3);
            EXPECT_TRUE(contains(error.what(), "it held the part [3, 6)")) << error.what();
          }
          reached = Fragile::left < 0;
          Fragile::left = -1;
          if (reached) struck++;
          killer.request_stop();
          go = true;
          go.notify_all();
        }
        EXPECT_TRUE(eventually([] { return detail::count_parts() == 0; }));
        if (!reached) break;
      }
    }
  }
  EXPECT_GT(struck, 100);
  EXPECT_GT(survived, 50);
}

}  // namespace
}  // namespace cohort::test
