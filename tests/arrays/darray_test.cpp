#include <cohort/arrays.hpp>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/cohort.hpp>

#include "../cluster/captured_stderr.hpp"
#include "darray_test.hpp"

namespace cohort::test {
namespace {

TEST_F(DArrayTest, IsCutAsInDistributedArrays) {
  const auto grid_of = [](std::vector<std::size_t> extents, std::size_t processes) {
    std::vector<std::size_t> grid(extents.size());
    detail::default_grid(extents, processes, grid);
    return grid;
  };
  using Grid = std::vector<std::size_t>;
  EXPECT_EQ(grid_of({50}, 4), (Grid{4}));
  EXPECT_EQ(grid_of({3}, 4), (Grid{2}));
  EXPECT_EQ(grid_of({10}, 11), (Grid{1})) << "a factor that is too large is lost";
  EXPECT_EQ(grid_of({73, 73}, 2), (Grid{1, 2})) << "of equal dimensions the last is cut";
  EXPECT_EQ(grid_of({100, 100}, 4), (Grid{2, 2}));
  EXPECT_EQ(grid_of({100, 100}, 8), (Grid{2, 4}));
  EXPECT_EQ(grid_of({100, 50}, 6), (Grid{3, 2}));
  EXPECT_EQ(grid_of({10, 10}, 3), (Grid{1, 3}));
  EXPECT_EQ(grid_of({3, 3}, 8), (Grid{2, 2}));
  EXPECT_EQ(grid_of({2, 3, 4}, 8), (Grid{1, 2, 4}));
  EXPECT_EQ(grid_of({20, 20, 20}, 12), (Grid{2, 2, 3}));
  EXPECT_EQ(grid_of({5, 5, 5}, 5), (Grid{1, 1, 5}));
  EXPECT_EQ(grid_of({4, 100}, 9), (Grid{1, 9}));
  EXPECT_EQ(grid_of({1, 7}, 4), (Grid{1, 4}));
  EXPECT_EQ(grid_of({30, 20}, 5), (Grid{5, 1}));
  EXPECT_EQ(detail::DimensionLayout::blocks(50, 4).cuts, (Grid{0, 13, 26, 38, 50}));
  EXPECT_EQ(detail::DimensionLayout::blocks(2, 4).cuts, (Grid{0, 1, 2, 2, 2}));
  EXPECT_EQ(dzeros({10}).pids().size(), 6u);
  EXPECT_EQ(dzeros({2, 2}).pids(), (std::vector<Pid>{2, 3})) << "no more workers than the longest extent";
}

TEST_F(DArrayTest, EachPartIsMadeWhereItIs) {
  const DArray<int, 2> d({4, 6}, [](const Box<2>& box) { return NdArray<int, 2>(box.extents(), myid()); },
                         {.pids = {2, 3, 4, 5}, .grid = {2, 2}});
  EXPECT_EQ(d.boxes(), (std::vector<Box<2>>{{{0, 0}, {2, 3}}, {{0, 3}, {2, 6}}, {{2, 0}, {4, 3}}, {{2, 3}, {4, 6}}}));
  const auto all = d.gather();
  for (std::size_t i = 0; i < 4; i++)
    for (std::size_t j = 0; j < 6; j++) EXPECT_EQ(all(i, j), d.owner({i, j}));
  EXPECT_EQ(d.owner({3, 5}), 5);
  EXPECT_THROW(d.owner({4, 0}), Error);
  EXPECT_TRUE(d.local_box().empty()) << "the master has no part";
  EXPECT_THROW(d.local_part(), Error);
  const auto local = [](const DArray<int, 2>& it) {
    it.local_part()(0, 0) = -1;
    return it.local_box();
  };
  EXPECT_EQ(remotecall_fetch(local, 4, d), (Box<2>{{2, 0}, {4, 3}}));
  EXPECT_EQ(d.at({2, 0}), -1);
  EXPECT_THROW((DArray<int, 2>({4, 6}, [](const Box<2>&) { return NdArray<int, 2>({1, 1}); })), RemoteException);
  EXPECT_THROW((DArray<int, 1>({4}, [](const Box<1>&) -> NdArray<int, 1> { throw std::runtime_error("no"); })),
               RemoteException);
}

TEST_F(DArrayTest, EveryOperationAgreesWithALocalArray) {
  for (const auto& layout : layouts())
    for (const auto& extents : all_extents) {
      SCOPED_TRACE(detail::extents_text(extents) + " on " + detail::extents_text(layout.grid) + " cyclic " +
                   detail::extents_text(layout.block));
      const auto local = numbered(extents);
      const auto other = NdArray<double, 2>(extents, 2.0);
      const auto a = distribute(local, layout);
      const auto b = distribute(other);  // of the default layout
      EXPECT_EQ(a.gather(), local);
      EXPECT_EQ((DArray<double, 2>(2.0 * a / b).gather()), (NdArray<double, 2>(2.0 * local / other)));
      EXPECT_EQ((DArray<double, 2>(b - a).gather()), (NdArray<double, 2>(other - local)));
      EXPECT_EQ(map([](double x, double y) { return x > y; }, a, b).gather(),
                map([](double x, double y) { return x > y; }, local, other));
      EXPECT_EQ(sum(a), sum(local)) << "the same bits";
      EXPECT_EQ(sum(sqrt(abs(a))), sum(sqrt(abs(local))));
      EXPECT_EQ(norm(a), norm(local));
      EXPECT_EQ(dot(a, b), dot(local, other));
      EXPECT_EQ(count([](double x) { return x > 0; }, a), count([](double x) { return x > 0; }, local));
      EXPECT_EQ(reduce(std::plus<>(), 0.5, a), reduce(std::plus<>(), 0.5, local));
      if (local.empty()) {
        EXPECT_THROW(minimum(a), Error);
      } else {
        EXPECT_EQ(extrema(a), extrema(local));
        EXPECT_EQ(mean(a), mean(local));
        EXPECT_EQ(sum(a, dim<0>).gather(), sum(local, dim<0>));
        EXPECT_EQ(sum(a, dim<1>).gather(), sum(local, dim<1>));
        EXPECT_EQ(maximum(a, dim<1>).gather(), maximum(local, dim<1>));
        EXPECT_EQ((DArray<double, 2>(a - mean(a, dim<0>)).gather()), (NdArray<double, 2>(local - mean(local, dim<0>))));
      }
      EXPECT_EQ(transpose(a).gather(), transpose(local));
      EXPECT_EQ(a.reshape({local.size()}).gather(), local.reshape<1>({local.size()}));
      EXPECT_EQ(a.redistribute({.grid = {2, 3}}), a);
      EXPECT_EQ(a.redistribute({.grid = {2, 3}}).gather(), local);
      auto changed = a.copy();
      for_each([](double& x) { x += 1; }, changed);
      EXPECT_EQ(changed.gather(), (NdArray<double, 2>(local + 1.0)));
      EXPECT_EQ(changed == a, local.empty());
      changed.assign(b + a);
      EXPECT_EQ(changed.gather(), (NdArray<double, 2>(other + local)));
      const auto v = numbered<1>({extents[1]});
      const auto product = (a * distribute(v)).gather(), expected = local * v;
      for (std::size_t i = 0; i < expected.size(); i++) EXPECT_NEAR(product[i], expected[i], 1e-9);
      const auto square = (a * transpose(a)).gather(), wanted = local * transpose(local);
      for (std::size_t i = 0; i < wanted.size(); i++) EXPECT_NEAR(square[i], wanted[i], 1e-6);
    }
}

TEST_F(DArrayTest, AssignWritesIntoTheElementsThatAreThere) {
  const auto local = numbered<1>({70});
  const DArray<double, 1> a = distribute(local);
  const auto memory = [&] {
    std::vector<std::uintptr_t> result;
    for (const Pid pid : a.pids())
      result.push_back(remotecall_fetch(
          [](const DArray<double, 1>& here) { return reinterpret_cast<std::uintptr_t>(here.local_part().data()); }, pid,
          a));
    return result;
  };
  const auto before = memory();
  a.assign(2.0 * a + a);
  EXPECT_EQ(memory(), before);
  EXPECT_EQ(a.gather(), (NdArray<double, 1>(2.0 * local + local)));
}

TEST_F(DArrayTest, ElementsThatDoNotFitTheirExtentsAreRefused) {
  const auto payload = encode(std::tuple(Extents<1>{3}, Array<double>{1, 2}));
  EXPECT_THROW((decode<detail::Received<double, 1>>(payload)), BadMessage);
}

TEST_F(DArrayTest, BoxesAreReadAndWritten) {
  for (const auto& layout : layouts()) {
    SCOPED_TRACE(detail::extents_text(layout.grid) + " cyclic " + detail::extents_text(layout.block));
    const auto local = numbered<2>({7, 5});
    const auto a = distribute(local, layout);
    const Box<2> box{{1, 1}, {6, 4}};
    const auto piece = a.get(box);
    ASSERT_EQ(piece.extents(), (Extents<2>{5, 3}));
    for (std::size_t i = 0; i < 5; i++)
      for (std::size_t j = 0; j < 3; j++) EXPECT_EQ(piece(i, j), local(i + 1, j + 1));
    a.put(box, NdArray<double, 2>({5, 3}, 4.0));
    for (const Pid pid : {2, 3, 1})
      remotecall_wait(
          [](const DArray<double, 2>& it, const Box<2>& where) {
            it.add(where, NdArray<double, 2>({5, 3}, 1.0));
          },
          pid, a, box);
    EXPECT_EQ(a.get(box), (NdArray<double, 2>({5, 3}, 7.0)));
    EXPECT_EQ(a.at({0, 0}), local(0, 0));
    EXPECT_TRUE(a.get({{2, 2}, {2, 4}}).empty());
    EXPECT_THROW(a.get({{0, 0}, {8, 1}}), Error);
    EXPECT_THROW(a.put({{0, 0}, {2, 1}}, NdArray<double, 2>({1, 2})), Error);
    EXPECT_THROW(a.at({7, 0}), Error);
  }
}

// Its event loop answers: the function that computes has the only slot.
TEST_F(DArrayTest, FewElementsAreReadFromAProcessThatComputes) {
  const auto local = numbered<2>({300, 100});
  const auto a = distribute(local, {.pids = {2, 3}, .grid = {2, 1}});
  const Box<2> row{{149, 0}, {150, 100}}, column{{0, 7}, {150, 8}};
  const NdArray<double, 2> first = a.get(row);  // the process looks for the function once
  static std::atomic<bool> begun, done;
  begun = done = false;
  const auto busy = remotecall(
      [] {
        begun = true;
        return eventually([] { return done.load(); });
      },
      2);
  ASSERT_TRUE(eventually([] { return begun.load(); }));
  EXPECT_EQ(a.get(row), first);
  const NdArray<double, 2> other = a.get(column);
  EXPECT_EQ(a.at({149, 3}), local(149, 3));
  EXPECT_THROW(distribute(local, {.pids = {3}}).get({{0, 0}, {301, 1}}), Error);
  done = true;
  EXPECT_TRUE(busy.fetch());
  for (std::size_t i = 0; i < 100; i++) EXPECT_EQ(first(0, i), local(149, i)) << i;
  for (std::size_t i = 0; i < 150; i++) EXPECT_EQ(other(i, 0), local(i, 7)) << i;
}

TEST_F(DArrayTest, AdditionsOfSeveralProcessesAreAllDone) {
  const auto a = dzeros<long>({10}, {.grid = {3}});
  everywhere(
      procs(),
      [](const DArray<long, 1>& it) {
        for (int i = 0; i < 50; i++) it.add({{2}, {8}}, NdArray<long, 1>(Extents<1>{6}, 1));
      },
      a);
  EXPECT_EQ(a.gather(), (NdArray<long, 1>{0, 0, 350, 350, 350, 350, 350, 350, 0, 0}));
}

TEST_F(DArrayTest, ReadingElementsOneByOneIsNoticed) {
  const auto a = dzeros({10});
  CapturedStderr captured;
  for (std::size_t i = 0; i < 2000; i++) static_cast<void>(a.at({i % 10}));
  const std::string printed = captured.text();
  EXPECT_EQ(a.scalar_accesses(), 2000u);
  EXPECT_TRUE(contains(printed, "cohort: 1000 elements of a DArray were read one by one")) << printed;
  EXPECT_EQ(printed.find("cohort:"), printed.rfind("cohort:")) << "once: " << printed;
  const auto here = dzeros({10}, {.pids = {1}});
  EXPECT_EQ(here.at({3}), 0);
  EXPECT_EQ(here.scalar_accesses(), 0u) << "no message was sent";
}

TEST_F(DArrayTest, FilledAndRandomArrays) {
  EXPECT_EQ(sum(dones({5, 4})), 20);
  EXPECT_EQ(dzeros<int>({3}).gather(), (NdArray<int, 1>{0, 0, 0}));
  EXPECT_EQ(dfill(std::string("x"), {2}).gather(), (NdArray<std::string, 1>{"x", "x"}));
  const auto random = drand({40, 30}, {.seed = 7}).gather();
  EXPECT_EQ(drand({40, 30}, {.seed = 7, .layout = {.grid = {4, 1}}}).gather(), random);
  EXPECT_EQ(drand({40, 30}, {.seed = 7, .layout = {.grid = {2, 2}, .block = {3, 1}}}).gather(), random);
  EXPECT_NE(drand({40, 30}, {.seed = 8}).gather(), random);
  EXPECT_TRUE(all([](double x) { return x >= 0 && x < 1; }, random));
  EXPECT_NEAR(mean(random), 0.5, 0.05);
  const auto normal = drandn<float>({10000}, {.seed = 1});
  EXPECT_NEAR(mean(normal), 0, 0.05);
  EXPECT_NEAR(norm(normal) / 100, 1, 0.05);
}

TEST_F(DArrayTest, AHandleTravelsAndTheLastOneFreesTheArray) {
  auto a = remotecall_fetch([] { return dones<int>({30}); }, 3);
  EXPECT_EQ(sum(a), 30);
  EXPECT_EQ(remotecall_fetch([](const DArray<int, 1>& it) { return sum(it + it); }, 4, a), 60);
  auto same = a;
  a.close();
  EXPECT_FALSE(a.valid());
  EXPECT_EQ(detail::count_parts(), 0u);
  EXPECT_THROW(same.gather(), Error);
  EXPECT_THROW(sum(same), Error);
  EXPECT_THROW(a.gather(), Error);
}

template <class Matrix, class Vector>
std::pair<Vector, double> power_method(const Matrix& m, Vector v) {
  for (int i = 0; i < 100; i++) {
    v = m * v;
    v /= norm(v);
  }
  return {v, norm(m * v) / norm(v)};
}

TEST_F(DArrayTest, ThePowerMethodIsTheSameForEachKind) {
  const NdArray<double, 2> m{{2, 1}, {1, 1}};
  const NdArray<double, 1> v{0.40395, 0.445877};
  const auto [vector, value] = power_method(m, v);
  EXPECT_EQ(value, 2.618033988749895);
  EXPECT_NEAR(vector[0], 0.850651, 1e-6);
  EXPECT_NEAR(vector[1], 0.525731, 1e-6);
  const auto [dvector, dvalue] = power_method(distribute(m), distribute(v));
  EXPECT_EQ(dvalue, 2.618033988749895);
  EXPECT_EQ(dvector.gather(), vector);
}

}  // namespace
}  // namespace cohort::test
