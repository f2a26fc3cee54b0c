// What DistributedArrays.jl asserts of calculations with its arrays, more strictly; README.md has the cases one by one.

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <limits>
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

class DArrayCalculationTest : public DArrayTest {};

template <std::size_t N>
void expect_near(const NdArray<double, N>& actual, const NdArray<double, N>& expected) {
  ASSERT_EQ(actual.extents(), expected.extents());
  for (std::size_t i = 0; i < actual.size(); i++) EXPECT_NEAR(actual[i], expected[i], 1e-8) << i;
}

/// Elements between 0 and 1.
template <std::size_t N>
NdArray<double, N> fractions(const Extents<N>& extents) {
  return NdArray<double, N>(numbered(extents) / 200.0 + 0.5);
}

TEST_F(DArrayCalculationTest, ArraysOfOneValueAndOfRandomNumbers) {
  static_assert(std::is_same_v<decltype(dzeros({10}))::value_type, double>);
  static_assert(std::is_same_v<decltype(dzeros<Integer>({10, 10}))::value_type, Integer>);
  static_assert(std::is_same_v<decltype(dones({10, 10}))::value_type, double>);
  static_assert(std::is_same_v<decltype(drand({100}))::value_type, double>);
  static_assert(std::is_same_v<decltype(drand<Integer>({100, 100}))::value_type, Integer>);
  static_assert(std::is_same_v<decltype(drandn({100}))::value_type, double>);
  EXPECT_EQ(dzeros({10}).gather(), (NdArray<double, 1>(Extents<1>{10}, 0.0)));
  EXPECT_EQ(dzeros({10, 9}).gather(), (NdArray<double, 2>({10, 9}, 0.0)));
  EXPECT_EQ(dzeros<Integer>({10}).gather(), (NdArray<Integer, 1>(Extents<1>{10}, 0)));
  EXPECT_EQ(dones({10}).gather(), (NdArray<double, 1>(Extents<1>{10}, 1.0)));
  EXPECT_EQ(dones({10, 9}).gather(), (NdArray<double, 2>({10, 9}, 1.0)));
  EXPECT_EQ(dones<Integer>({10}).gather(), (NdArray<Integer, 1>(Extents<1>{10}, 1)));
  EXPECT_EQ(prod(dfill(Integer{2}, {10})), 1024);
  const auto within = [](double x) { return x >= 0 && x < 1; };
  EXPECT_TRUE(all(within, drand({100})));
  EXPECT_EQ(drand({100}).extents(), Extents<1>{100});
  EXPECT_TRUE(all(within, drand({50, 50})));
  const auto whole = drand<Integer>({100}).gather();
  EXPECT_LT(minimum(whole), 0);
  EXPECT_GT(maximum(whole), 0);
  const auto normal = drandn({100, 100}, {.seed = 5});
  EXPECT_EQ(normal.extents(), (Extents<2>{100, 100}));
  EXPECT_NEAR(mean(normal), 0, 0.05);
  EXPECT_NEAR(norm(normal) / 100, 1, 0.05);
}

TEST_F(DArrayCalculationTest, AnArrayIsFilledAgain) {
  const auto a = dzeros({30, 30});
  a.assign(1.0 * drand({30, 30}, {.seed = 2}));
  EXPECT_LT(minimum(a), maximum(a));
  for_each([](double& x) { x = 3.14; }, a);
  EXPECT_EQ(extrema(a), (std::pair<double, double>{3.14, 3.14}));
}

TEST_F(DArrayCalculationTest, ComplexMatricesAreTransposed) {
  using Complex = std::complex<double>;
  NdArray<Complex, 2> local({20, 10}), transposed({10, 20}), adjoint({10, 20});
  for (std::size_t i = 0; i < 20; i++)
    for (std::size_t j = 0; j < 10; j++) {
      const Complex z(static_cast<double>(i), static_cast<double>(j) + 1);
      local(i, j) = transposed(j, i) = z;
      adjoint(j, i) = std::conj(z);
    }
  const auto t = transpose(distribute(local));
  EXPECT_EQ(t.gather(), transposed) << "without a conjugation";
  EXPECT_EQ(map([](const Complex& z) { return std::conj(z); }, t).gather(), adjoint);
  const auto real = numbered<2>({10, 20});
  EXPECT_EQ(transpose(distribute(real)).gather(), transpose(real));
}

/// One of many functions of a number.
struct MathFunction {
  std::size_t which = 0;
  static constexpr double (*all[])(double) = {
      [](double x) { return -x; },
      [](double x) { return std::abs(x); },
      [](double x) { return x * x; },
      [](double x) { return std::sin(x); },
      [](double x) { return std::cos(x); },
      [](double x) { return std::tan(x); },
      [](double x) { return std::asin(x); },
      [](double x) { return std::acos(x); },
      [](double x) { return std::atan(x); },
      [](double x) { return std::sinh(x); },
      [](double x) { return std::cosh(x); },
      [](double x) { return std::tanh(x); },
      [](double x) { return std::asinh(x); },
      [](double x) { return std::atanh(x); },
      [](double x) { return std::acosh(x + 1); },
      [](double x) { return std::asin(1 / (x + 1)); },
      [](double x) { return std::exp(x); },
      [](double x) { return std::exp2(x); },
      [](double x) { return std::expm1(x); },
      [](double x) { return std::log(x); },
      [](double x) { return std::log2(x); },
      [](double x) { return std::log10(x); },
      [](double x) { return std::log1p(x); },
      [](double x) { return std::sqrt(x); },
      [](double x) { return std::cbrt(x); },
      [](double x) { return std::ceil(x); },
      [](double x) { return std::floor(x); },
      [](double x) { return std::round(x); },
      [](double x) { return std::erf(x); },
      [](double x) { return std::erfc(x); },
      [](double x) { return std::tgamma(x); },
      [](double x) { return std::isfinite(x) ? 1.0 : 0.0; },
      [](double x) { return std::isnan(x) ? 1.0 : 0.0; },
  };
  double operator()(double x) const { return all[which](x); }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(which);
  }
};

TEST_F(DArrayCalculationTest, AnyFunctionOfTheElements) {
  const auto local = fractions<2>({20, 20});
  const auto a = distribute(local);
  for (std::size_t which = 0; which < std::size(MathFunction::all); which++)
    EXPECT_EQ(map(MathFunction{which}, a).gather(), map(MathFunction{which}, local)) << which;
  const auto expected = [&](auto f) { return NdArray<double, 2>(f(local)); };
  const auto found = [&](auto f) { return DArray<double, 2>(f(a)).gather(); };
  const auto functions = [](const auto& x) { return sin(x) + cos(x) - tan(x) / exp(x); };
  const auto more = [](const auto& x) { return log(sqrt(abs(-x))) + pow(x, x); };
  EXPECT_EQ(found(functions), expected(functions));
  EXPECT_EQ(found(more), expected(more));
}

TEST_F(DArrayCalculationTest, NumbersAndArraysInAnyOrder) {
  const auto local = numbered<2>({20, 20}), other = fractions<2>({20, 20});
  const auto a = distribute(local), b = distribute(other, {.grid = {6, 1}});
  const auto check = [&](auto f) {
    const auto expression = f(a, b);
    EXPECT_EQ((DArray<double, 2>(expression).gather()), (NdArray<double, 2>(f(local, other))));
  };
  check([](const auto& x, const auto&) { return x + 2.5; });
  check([](const auto& x, const auto&) { return x - 2.5; });
  check([](const auto& x, const auto&) { return x * 2.5; });
  check([](const auto& x, const auto&) { return x / 2.5; });
  check([](const auto& x, const auto&) { return 2.5 + x; });
  check([](const auto& x, const auto&) { return 2.5 - x; });
  check([](const auto& x, const auto&) { return 2.5 * x; });
  check([](const auto& x, const auto&) { return 2.5 / x; });
  check([](const auto& x, const auto& y) { return x + y; });
  check([](const auto& x, const auto& y) { return x - y; });
  check([](const auto& x, const auto& y) { return multiply(x, y); });
  check([](const auto& x, const auto& y) { return x / y; });
  const auto remainder = [](double x, double y) { return std::fmod(x, y); };
  EXPECT_EQ(map(remainder, a, b).gather(), map(remainder, local, other));
  const auto ones = NdArray<Integer, 1>(Extents<1>{20}, 1), twos = NdArray<Integer, 1>(Extents<1>{20}, 2);
  const auto shift = [](Integer x, Integer y) { return (x << y) + (x >> 1); };
  EXPECT_EQ(map(shift, distribute(ones), distribute(twos)).gather(), map(shift, ones, twos));
}

// A processor ends the process for these.
TEST_F(DArrayCalculationTest, QuotientsOfIntegersThatDoNotExist) {
  const NdArray<int, 1> a{7, -7, std::numeric_limits<int>::min(), 0}, b{2, -1, -1, 5};
  const NdArray<int, 1> quotients{3, 7, std::numeric_limits<int>::min(), 0}, zeros{1, 0, 1, 1};
  EXPECT_EQ((NdArray<int, 1>(a / b)), quotients);
  EXPECT_EQ((NdArray<unsigned, 1>(NdArray<unsigned, 1>{7, 9} / 4294967295u)), (NdArray<unsigned, 1>{0, 0}));
  EXPECT_TRUE(contains(thrown_by<Error>([&] { NdArray<int, 1>(a / zeros); }), "divides an integer by zero"));
  const auto da = distribute(a), db = distribute(b), dzero = distribute(zeros);
  EXPECT_EQ((DArray<int, 1>(da / db)).gather(), quotients);
  EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { DArray<int, 1>(da / dzero); }), "divides an integer by zero"));
  EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { da.assign(da / 0); }), "divides an integer by zero"));
  EXPECT_EQ(da.gather(), a) << "an assignment that fails";
  EXPECT_TRUE(std::isinf(DArray<double, 1>(da / 0.0).gather()[0])) << "not of integers";
}

TEST_F(DArrayCalculationTest, OneRowIsRepeated) {
  const auto local = numbered<2>({120, 60}), more = fractions<2>({120, 60});
  const auto a = distribute(local, {.grid = {1, 6}}), c = distribute(more);
  const auto local_means = mean(local, dim<0>);
  const auto means = mean(a, dim<0>);
  EXPECT_EQ(means.extents(), (Extents<2>{1, 60}));
  EXPECT_EQ((DArray<double, 2>(a - means).gather()), (NdArray<double, 2>(local - local_means)));
  EXPECT_EQ((DArray<double, 2>(a - multiply(means, sin(c))).gather()),
            (NdArray<double, 2>(local - multiply(local_means, sin(more)))));
}

TEST_F(DArrayCalculationTest, ProductsAndNorms) {
  const auto a = fractions<2>({30, 30}), b = fractions<2>({30, 20});
  const auto v = fractions<1>({30});
  const auto da = distribute(a), db = distribute(b);
  const auto dv = distribute(v, {.pids = {4, 2}, .cuts = {{0, 1, 30}}});
  expect_near((da * dv).gather(), a * v);
  expect_near((da * db).gather(), a * b);
  expect_near((transpose(da) * dv).gather(), transpose(a) * v);
  expect_near((transpose(da) * db).gather(), transpose(a) * b);
  EXPECT_NEAR(dot(da * dv, dv), dot(a * v, v), 1e-8) << "of different layouts";
  EXPECT_EQ(norm(dv), norm(v));
  EXPECT_EQ(sum(abs(dv)), sum(abs(v)));
  EXPECT_EQ(maximum(abs(dv)), maximum(abs(v)));
  EXPECT_EQ(thrown_by<Error>([&] { db* dv; }),
            "a product of arrays of 30 x 20 and of 30 elements: the columns of the "
            "first are not as many as the rows of the second");
}

TEST_F(DArrayCalculationTest, AMultipleIsAdded) {
  const auto x = fractions<1>({20}), y = numbered<1>({20});
  auto dy = distribute(y);
  dy += 2.0 * distribute(x, {.grid = {2}});
  EXPECT_EQ(dy.gather(), (NdArray<double, 1>(y + 2.0 * x)));
  const auto a = fractions<2>({20, 2}), b = numbered<2>({20, 2});
  auto db = distribute(b);
  db += 2.0 * distribute(a);
  EXPECT_EQ(db.gather(), (NdArray<double, 2>(b + 2.0 * a)));
  const auto text = thrown_by<Error>([&] { dy += 2.0 * dzeros({21}); });
  EXPECT_TRUE(contains(text, "arrays of 20 and of 21 elements: they do not fit each other")) << text;
  EXPECT_EQ(dy.gather(), (NdArray<double, 1>(y + 2.0 * x))) << "it is as it was";
}

/// The slices along a dimension are sorted, each where it is.
void sort_slices(const DArray<double, 3>& it, std::size_t dimension) {
  NdArray<double, 3>& part = it.local_part();
  const std::size_t stride = strides_of(part.extents())[dimension], length = part.extents()[dimension];
  for (std::size_t start = 0; start < part.size(); start++) {
    if (start / stride % length != 0) continue;
    std::vector<double> slice;
    for (std::size_t i = 0; i < length; i++) slice.push_back(part[start + i * stride]);
    std::sort(slice.begin(), slice.end());
    for (std::size_t i = 0; i < length; i++) part[start + i * stride] = slice[i];
  }
}

TEST_F(DArrayCalculationTest, SlicesAreChangedWhereTheyAre) {
  const auto local = numbered<3>({6, 7, 8});
  const auto a = distribute(local);
  for (std::size_t whole = 0; whole < 3; whole++) {
    Extents<3> grid{2, 2, 2};
    grid[whole] = 1;
    const auto b = a.redistribute({.grid = grid});
    everywhere(b.pids(), fn<sort_slices>, b, whole);
    auto expected = local;
    const std::size_t stride = strides_of(local.extents())[whole], length = local.extents()[whole];
    for (std::size_t start = 0; start < local.size(); start++) {
      if (start / stride % length != 0) continue;
      for (std::size_t i = 1; i < length; i++)
        for (std::size_t k = i; k > 0 && expected[start + k * stride] < expected[start + (k - 1) * stride]; k--)
          std::swap(expected[start + k * stride], expected[start + (k - 1) * stride]);
    }
    EXPECT_EQ(b.gather(), expected) << whole;
  }
  EXPECT_EQ(a.gather(), local);
}

TEST_F(DArrayCalculationTest, EachMatrixIsMultipliedByItsColumn) {
  const auto matrices = fractions<3>({5, 4, 12});
  const auto columns = fractions<2>({4, 12});
  const auto m = distribute(matrices, {.grid = {1, 1, 6}});
  const auto c = distribute(columns, {.grid = {1, 6}}), products = dzeros({5, 12}, {.grid = {1, 6}});
  everywhere(
      m.pids(),
      [](const DArray<double, 3>& all, const DArray<double, 2>& by, const DArray<double, 2>& to) {
        for (std::size_t n = 0; n < 2; n++)
          for (std::size_t i = 0; i < 5; i++)
            for (std::size_t k = 0; k < 4; k++)
              to.local_part()(i, n) += all.local_part()(i, k, n) * by.local_part()(k, n);
      },
      m, c, products);
  NdArray<double, 2> expected({5, 12});
  for (std::size_t n = 0; n < 12; n++)
    for (std::size_t i = 0; i < 5; i++)
      for (std::size_t k = 0; k < 4; k++) expected(i, n) += matrices(i, k, n) * columns(k, n);
  expect_near(products.gather(), expected);
}

TEST_F(DArrayCalculationTest, VectorsOfAnyLengthAreSorted) {
  for (const std::size_t size : {1, 10, 100, 1000, 10000, 100000}) {
    const auto uneven = map([](double x) { return std::pow(x, 20); }, drand({size}, {.seed = size}));
    const auto sorted = sort(uneven);
    const auto local = sorted.gather();
    EXPECT_EQ(local.size(), size);
    EXPECT_EQ(local, sort(uneven.gather()));
  }
}

TEST_F(DArrayCalculationTest, EachProcessHasAValueOfItsOwn) {
  const DArray<Integer, 1> ids({6}, [](const Box<1>&) { return NdArray<Integer, 1>{myid()}; });
  EXPECT_EQ(ids.gather(), (NdArray<Integer, 1>{2, 3, 4, 5, 6, 7}));
  const auto values = distribute(NdArray<Integer, 1>{20, 30, 40, 50, 60, 70});
  const auto words = distribute(NdArray<std::string, 1>{"b", "c", "d", "e", "f", "g"});
  const auto of_here = [](const DArray<Integer, 1>& it) { return it.local_part()[0]; };
  for (const Pid pid : workers()) {
    EXPECT_EQ(remotecall_fetch(of_here, pid, ids), pid);
    EXPECT_EQ(remotecall_fetch(of_here, pid, values), 10 * pid);
    EXPECT_EQ(remotecall_fetch([](const DArray<std::string, 1>& it) { return it.local_part()[0]; }, pid, words),
              std::string(1, static_cast<char>('a' + pid - 1)));
  }
}

}  // namespace
}  // namespace cohort::test
