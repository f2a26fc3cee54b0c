// What DistributedArrays.jl asserts of its arrays, more strictly; README.md has the cases one by one.

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/arrays.hpp>
#include <cohort/cohort.hpp>

#include "darray_test.hpp"

namespace cohort::test {
namespace {

using Integer = std::int64_t;
using Pids = std::vector<Pid>;

class DArrayBehaviourTest : public DArrayTest {};

/// Integers from -50 to 50.
NdArray<Integer, 2> small_integers(const Extents<2>& extents) {
  NdArray<Integer, 2> a(extents);
  for (std::size_t i = 0; i < a.size(); i++) a[i] = static_cast<Integer>(i * 7919 % 101) - 50;
  return a;
}

template <class T>
NdArray<T, 2> piece_of(const NdArray<T, 2>& a, const Box<2>& box) {
  NdArray<T, 2> piece(box.extents());
  for (std::size_t i = 0; i < piece.extents()[0]; i++)
    for (std::size_t j = 0; j < piece.extents()[1]; j++) piece(i, j) = a(box.begin[0] + i, box.begin[1] + j);
  return piece;
}

TEST_F(DArrayBehaviourTest, EveryWorkerHasAPartByDefault) {
  const auto local = small_integers({100, 100});
  const auto a = distribute(local);
  EXPECT_EQ(a.pids(), (Pids{2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(a.grid(), (Extents<2>{2, 3}));
  EXPECT_EQ(a.boxes(), (std::vector<Box<2>>{{{0, 0}, {50, 34}},
                                            {{0, 34}, {50, 67}},
                                            {{0, 67}, {50, 100}},
                                            {{50, 0}, {100, 34}},
                                            {{50, 34}, {100, 67}},
                                            {{50, 67}, {100, 100}}}));
  EXPECT_EQ(sum(a), sum(local));
  EXPECT_EQ(a.size(), 10000u);
  EXPECT_EQ(a.extents(), local.extents());
}

TEST_F(DArrayBehaviourTest, TheGivenProcessesHaveThePartsInTheirOrder) {
  const auto local = small_integers({10, 10});
  const auto a = distribute(local, {.pids = {5, 3}, .grid = {1, 2}});
  EXPECT_EQ(a.grid(), (Extents<2>{1, 2}));
  EXPECT_EQ(a.pids(), (Pids{5, 3}));
  EXPECT_EQ(a.boxes(), (std::vector<Box<2>>{{{0, 0}, {10, 5}}, {{0, 5}, {10, 10}}}));
  EXPECT_EQ(sum(a), sum(local));
  const auto everywhere = distribute(local, {.pids = {7, 6, 5, 4, 3, 2}});
  EXPECT_EQ(everywhere.pids(), (Pids{7, 6, 5, 4, 3, 2}));
  EXPECT_EQ(sum(everywhere), sum(local));
  EXPECT_EQ(distribute(local, like(a)).boxes(), a.boxes());
  EXPECT_EQ(distribute(local, like(a)).pids(), a.pids());
}

TEST_F(DArrayBehaviourTest, TheFirstPartsAreTheLongest) {
  const auto size_here = [](const DArray<double, 1>& it) { return it.local_part().size(); };
  const auto three = drand({3}, {.layout = {.pids = {2, 3}}});
  EXPECT_EQ(remotecall_fetch(size_here, 2, three), 2u);
  EXPECT_EQ(remotecall_fetch(size_here, 3, three), 1u);
  EXPECT_EQ(dzeros({50}, {.pids = {2, 3, 4, 5}}).boxes(),
            (std::vector<Box<1>>{{{0}, {13}}, {{13}, {26}}, {{26}, {38}}, {{38}, {50}}}));
  EXPECT_EQ(dzeros({2}, {.grid = {4}}).gather(), (NdArray<double, 1>{0, 0})) << "two processes have nothing";
}

TEST_F(DArrayBehaviourTest, AnArrayIsMadeOfThePartsOfAnother) {
  const auto rows_here = [](const Box<2>& box) { return NdArray<Integer, 2>(box.extents(), myid()); };
  const DArray<Integer, 2> ten_each({60, 4}, rows_here, {.grid = {6, 1}});
  EXPECT_EQ(ten_each.extents(), (Extents<2>{60, 4}));
  for (const auto& box : ten_each.boxes()) EXPECT_EQ(box.extents(), (Extents<2>{10, 4}));
  const auto part_of = [](const DArray<double, 1>& it, const Box<1>& box) {
    EXPECT_EQ(it.local_box(), box);
    return it.local_part();
  };
  for (const std::size_t size : {1, 50}) {
    const auto source = drand({size});
    const DArray<double, 1> made({size}, capture(source, part_of), like(source));
    EXPECT_EQ(made, source);
    EXPECT_EQ(made.boxes(), source.boxes());
  }
}

TEST_F(DArrayBehaviourTest, APartWithOtherExtentsIsRefused) {
  const auto text = thrown_by<RemoteException>([] {
    DArray<double, 1>({6}, [](const Box<1>&) { return NdArray<double, 1>{1, 2}; });
  });
  EXPECT_TRUE(contains(text, "the part of a DArray: arrays of 2 and of 1 elements do not fit each other")) << text;
}

TEST_F(DArrayBehaviourTest, ALayoutThatCannotBeIsAnErrorInWords) {
  const auto error_of = [](const DArrayOptions<2>& layout, std::size_t rows = 5) {
    return thrown_by<Error>([&] { dzeros({rows, 5}, layout); });
  };
  EXPECT_EQ(error_of({.pids = {2, 99}}), "a DArray cannot have a part in process 99: there is none");
  EXPECT_EQ(error_of({.grid = {7, 1}}), "an array with a grid of 7 x 1 places needs 7 processes, and there are 6");
  EXPECT_EQ(error_of({.copies = 2}), "a DArray has 0 or 1 copies of each part, not 2");
  EXPECT_EQ(error_of({.cuts = {{}, {}, {}}}), "there are cuts of 3 dimensions for a DArray of 2");
  EXPECT_TRUE(contains(error_of({.block = {2, 0}, .cuts = {{0, 5}, {}}}), "it has `cuts` and a `block`"));
  const std::string first = "dimension 0 of an array: its cuts begin with 0, ascend, and end with its extent ";
  EXPECT_EQ(error_of({.cuts = {{0, 3}, {}}}), first + "5");
  EXPECT_EQ(error_of({.cuts = {{0, 3, 2, 5}, {}}}), first + "5");
  EXPECT_EQ(error_of({.cuts = {{1, 5}, {}}}), first + "5");
  EXPECT_EQ(error_of({.cuts = {{0}, {}}}, 0), first + "0") << "one cut makes no part";
}

TEST_F(DArrayBehaviourTest, ACopyIsEqualUntilOneOfThemChanges) {
  const auto a = drand({200, 200}, {.layout = {.pids = {2, 3}}});
  const auto b = a.copy();
  EXPECT_EQ(a, b);
  EXPECT_EQ(a.boxes(), b.boxes());
  const auto change = [](const DArray<double, 2>& it) { it.local_part()(0, 0) = -1; };
  remotecall_wait(change, 3, b);
  EXPECT_EQ(b.at({0, 100}), -1);
  EXPECT_GE(a.at({0, 100}), 0);
  EXPECT_FALSE(a == b);
}

TEST_F(DArrayBehaviourTest, ALayoutIsForEveryType) {
  const auto a = drand({30, 20}, {.layout = {.pids = {4, 2}, .cuts = {{0, 7, 30}, {}}}});
  const auto b = dzeros<Integer>({30, 20}, like(a));
  static_assert(std::is_same_v<decltype(b)::value_type, Integer>);
  EXPECT_EQ(b.boxes(), a.boxes());
  EXPECT_EQ(b.pids(), a.pids());
  EXPECT_EQ(count(b), 0u);
}

TEST_F(DArrayBehaviourTest, ReshapingKeepsTheElementsInOrder) {
  const auto local = numbered<2>({40, 40});
  const auto a = distribute(local, {.pids = {2, 3}});
  const auto wide = a.reshape({20, 80});
  EXPECT_EQ(wide.extents(), (Extents<2>{20, 80}));
  EXPECT_EQ(wide.gather(), local.reshape<2>({20, 80}));
  const auto text = thrown_by<Error>([&] { a.reshape({20, 20}); });
  EXPECT_EQ(text, "an array of 40 x 40 elements cannot be reshaped to 20 x 20");
}

TEST_F(DArrayBehaviourTest, AnyBoxIsAsInTheLocalArray) {
  const auto local = numbered<2>({200, 200});
  const auto a = distribute(local, {.pids = {2, 3}});
  const auto first_here = [](const DArray<double, 2>& it) { return it.local_part()(0, 0); };
  EXPECT_EQ(remotecall_fetch(first_here, 2, a), local(0, 0));
  EXPECT_EQ(remotecall_fetch(first_here, 3, a), local(0, 100));
  EXPECT_EQ(a.at({0, 0}), local(0, 0));
  EXPECT_EQ(a.at({0, 100}), local(0, 100));
  EXPECT_EQ(a.owner({0, 99}), 2);
  EXPECT_EQ(a.owner({0, 100}), 3);
  EXPECT_EQ(distribute(a.gather()), a);
  std::vector<Box<2>> boxes{{{0, 0}, {150, 150}}, {{3, 22}, {4, 176}}, {{22, 196}, {176, 197}}, {{2, 98}, {4, 100}},
                            {{2, 99}, {4, 101}},  {{0, 0}, {1, 4}},    {{199, 199}, {200, 200}}};
  for (const auto& box : boxes) EXPECT_EQ(a.get(box), piece_of(local, box)) << to_string(box);
  EXPECT_EQ((a.get({{0, 98}, {1, 102}}).reshape<2>({2, 2})(1, 0)), local(0, 100));
  const auto thirty = numbered<2>({30, 30});
  const auto b = distribute(thirty);
  for (std::size_t i = 0; i < 30; i++)
    for (const Box<2>& box : {Box<2>{{0, i}, {30, i + 1}}, Box<2>{{i, 0}, {i + 1, 30}}})
      EXPECT_EQ(b.get(box), piece_of(thirty, box)) << to_string(box);
  const Box<2> corner{{0, 0}, {5, 5}};
  EXPECT_EQ(b.get(corner), piece_of(thirty, corner));
  EXPECT_EQ(distribute(b.get(corner)).gather(), piece_of(thirty, corner));
  EXPECT_EQ(b.get({{5, 4}, {5, 8}}).extents(), (Extents<2>{0, 4}));
  EXPECT_EQ(distribute(b.get({{5, 4}, {5, 8}})).extents(), (Extents<2>{0, 4}));
  const auto text = thrown_by<Error>([&] { b.get({{0, 4}, {30, 31}}); });
  EXPECT_EQ(text, "the box [0, 30) x [4, 31) is not within an array of 30 x 30 elements");
  EXPECT_TRUE(contains(thrown_by<Error>([&] { b.get({{3, 0}, {2, 1}}); }), "the box [3, 2) x [0, 1) is not within"));
  EXPECT_EQ(thrown_by<Error>([&] { b.at({0, 30}); }), "the index (0, 30) is outside of an array of 30 x 30 elements");
}

TEST_F(DArrayBehaviourTest, ElementsMoveBetweenDifferentCuts) {
  const auto local = numbered<2>({10, 10});
  const auto a = distribute(local);
  const auto uneven = dzeros({10, 10}, {.pids = {2, 3}, .cuts = {{0, 3, 10}, {}}});
  uneven.assign(1.0 * a);
  EXPECT_EQ(uneven, a);
  EXPECT_EQ(uneven.boxes(), (std::vector<Box<2>>{{{0, 0}, {3, 10}}, {{3, 0}, {10, 10}}}));
  EXPECT_EQ(sum(uneven, dim<1>).gather(), sum(local, dim<1>));
  EXPECT_EQ(sum(uneven, dim<0>).gather(), sum(local, dim<0>));
  EXPECT_EQ(a.redistribute(like(uneven)).boxes(), uneven.boxes());
  const NdArray<double, 2> ones({10, 10}, 1.0);
  uneven.put(Box<2>::all({10, 10}), ones);
  EXPECT_EQ(uneven.gather(), ones);
  uneven.assign(3.0 + pow(0.0 * a, 2.0));
  EXPECT_TRUE(all([](double x) { return x == 3; }, uneven));
}

TEST_F(DArrayBehaviourTest, EveryPartIsReducedOnce) {
  const auto here = [](const Box<2>& box) { return NdArray<Integer, 2>(box.extents(), myid()); };
  const DArray<Integer, 2> a({10, 10}, here, {.pids = {2, 5}});
  EXPECT_EQ(reduce(std::plus<>(), Integer{0}, a), 50 * 2 + 50 * 5);
  EXPECT_EQ(reduce(std::plus<>(), Integer{1000}, a), 1350) << "the first value counts once";
  EXPECT_EQ(sum(map([](Integer) { return Integer{1}; }, a)), 100);
  for_each([](Integer& x) { x = 1; }, a);
  EXPECT_EQ(sum(a), 100);
}

TEST_F(DArrayBehaviourTest, RowsAndColumnsAreScaled) {
  const auto local = numbered<2>({9, 9});
  const auto factors = numbered<1>({9});
  const auto a = distribute(local), rows = distribute(factors.reshape<2>({9, 1})),
             columns = distribute(factors.reshape<2>({1, 9}));
  NdArray<double, 2> by_rows(local), by_columns(local);
  for (std::size_t i = 0; i < 9; i++)
    for (std::size_t j = 0; j < 9; j++) by_rows(i, j) *= factors[i], by_columns(i, j) *= factors[j];
  EXPECT_EQ((DArray<double, 2>(multiply(a, rows)).gather()), by_rows);
  EXPECT_EQ((DArray<double, 2>(multiply(columns, a)).gather()), by_columns);
  auto twice = a;
  twice *= 2.0;
  EXPECT_EQ(twice.gather(), (NdArray<double, 2>(2.0 * local)));
}

/// One of some polynomials with whole coefficients.
struct Polynomial {
  int which = 0;
  std::uint64_t operator()(std::uint64_t x) const {
    return which == 0 ? x * x : which == 1 ? x * x + 2 * x - 1 : x * x * x - x * x + 3 * x + 1;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(which);
  }
};

TEST_F(DArrayBehaviourTest, ReductionsOfShortVectorsAreExact) {
  for (std::size_t size = 1; size < 30; size++) {
    NdArray<std::uint64_t, 1> local(Extents<1>{size});
    for (std::size_t i = 0; i < size; i++) local[i] = i * 31 % 17;
    const auto a = distribute(local);
    for (int which = 0; which < 3; which++) {
      EXPECT_EQ(sum(map(Polynomial{which}, a)), sum(map(Polynomial{which}, local))) << size;
      EXPECT_EQ(prod(map(Polynomial{which}, a)), prod(map(Polynomial{which}, local))) << size;
    }
  }
}

/// @param dimensions a bit for each
template <class A, class F>
A along(A a, unsigned dimensions, F f) {
  if ((dimensions & 1) != 0) a = f(a, dim<0>);
  if ((dimensions & 2) != 0) a = f(a, dim<1>);
  if ((dimensions & 4) != 0) a = f(a, dim<2>);
  return a;
}

TEST_F(DArrayBehaviourTest, ReductionsAlongAnyDimensions) {
  const auto local = numbered<3>({20, 20, 20});
  const NdArray<double, 3> factors = 1.0 + local / 10000.0;  // whose product is finite
  for (const auto& layout : std::vector<DArrayOptions<3>>{{}, {.grid = {1, 1, 6}}, {.grid = {3, 1, 2}}}) {
    const auto a = distribute(local, layout), b = distribute(factors, layout);
    EXPECT_EQ(sum(multiply(a, a), dim<2>).gather(), sum(multiply(local, local), dim<2>));
    for (unsigned dimensions = 1; dimensions < 8; dimensions++) {
      const auto totals = [](const auto& x, auto i) { return sum(x, i); };
      const auto products = [](const auto& x, auto i) { return prod(x, i); };
      const auto means = [](const auto& x, auto i) { return mean(x, i); };
      const auto sums = along(a, dimensions, totals);
      EXPECT_EQ(sums.gather(), along(local, dimensions, totals)) << dimensions << ": the same bits";
      for (std::size_t i = 0; i < 3; i++) EXPECT_EQ(sums.extents()[i], (dimensions >> i & 1) != 0 ? 1u : 20u);
      const DArray<double, 3> shifted = 1.0 + sums;
      EXPECT_EQ(shifted.gather(), (NdArray<double, 3>(1.0 + along(local, dimensions, totals))));
      EXPECT_EQ(along(b, dimensions, products).gather(), along(factors, dimensions, products));
      EXPECT_EQ(along(a, dimensions, means).gather(), along(local, dimensions, means));
    }
    EXPECT_EQ(reduce(std::multiplies<>(), 2.0, b), reduce(std::multiplies<>(), 2.0, factors));
  }
  const auto six = sum(sum(dones({2, 3, 4}), dim<0>), dim<1>);
  EXPECT_EQ(six.gather(), (NdArray<double, 3>({1, 1, 4}, 6.0)));
  const auto square = numbered<2>({73, 73});
  const auto c = distribute(square, {.pids = {2, 3}});
  EXPECT_EQ(c.boxes()[0], (Box<2>{{0, 0}, {73, 37}}));
  EXPECT_EQ(sum(multiply(c, c), dim<0>).gather(), sum(multiply(square, square), dim<0>));
  EXPECT_EQ(sum(multiply(c, c), dim<1>).gather(), sum(multiply(square, square), dim<1>));
}

TEST_F(DArrayBehaviourTest, ReductionsOfIntegers) {
  const auto local = small_integers({100, 100});
  const auto a = distribute(local);
  EXPECT_EQ(sum(a), sum(local));
  EXPECT_EQ(maximum(a), 50);
  EXPECT_EQ(minimum(a), -50);
  EXPECT_EQ(extrema(a), (std::pair<Integer, Integer>{-50, 50}));
  EXPECT_EQ(maximum(abs(a)), 50);
  EXPECT_EQ(minimum(abs(a)), 0);
  EXPECT_EQ(sum(abs(a)), sum(abs(local)));
  EXPECT_EQ(sum(multiply(a, a)), sum(multiply(local, local)));
}

TEST_F(DArrayBehaviourTest, AllAnyAndCount) {
  const auto truths = dfill(true, {100});
  EXPECT_TRUE(all(truths));
  EXPECT_TRUE(any_element(truths));
  truths.put({{50}, {51}}, NdArray<bool, 1>{false});
  EXPECT_FALSE(all(truths));
  EXPECT_TRUE(any_element(truths));
  EXPECT_EQ(count(truths), 99u);
  for_each([](bool& x) { x = false; }, truths);
  EXPECT_FALSE(all(truths));
  EXPECT_FALSE(any_element(truths));
  const auto a = dones({10, 10});
  EXPECT_FALSE(all([](double x) { return x > 1; }, a));
  EXPECT_TRUE(all([](double x) { return x > 0; }, a));
  a.put({{9, 9}, {10, 10}}, NdArray<double, 2>{{2}});
  const auto is = [](double value) { return capture(value, [](double v, double x) { return x == v; }); };
  EXPECT_TRUE(any_element(is(1), a));
  EXPECT_TRUE(any_element(is(2), a)) << "one process has it";
  EXPECT_FALSE(any_element(is(3), a));
  EXPECT_EQ(count(is(2), a), 1u);
  EXPECT_EQ(count(is(1), a), 99u);
  EXPECT_EQ(count(is(0), a), 0u);
}

}  // namespace
}  // namespace cohort::test
