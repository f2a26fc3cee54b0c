#include <cohort/algorithms.hpp>

#include <cmath>
#include <complex>
#include <numbers>
#include <string>

#include <gtest/gtest.h>

#include <cohort/error.hpp>

namespace cohort::test {
namespace {

TEST(Expressions, AreComputedInOnePass) {
  const NdArray<double, 1> a(Extents<1>{10000}, std::numbers::pi), b(Extents<1>{10000}, 0.5);
  const NdArray<double, 1> c = 2.0 * a / b;
  EXPECT_TRUE(all([](double x) { return x == 4 * std::numbers::pi; }, c));
  NdArray<double, 1> d = a;
  const double* const before = d.data();
  d = d - a + sqrt(multiply(b, b)) * 4;
  EXPECT_EQ(d.data(), before);
  EXPECT_EQ(sum(d), 20000);
  d /= 2.0;
  d += NdArray<double, 1>(Extents<1>{10000}, 1.0);
  EXPECT_EQ(sum(-d), -20000);
  EXPECT_EQ((NdArray<int, 1>(NdArray<int, 1>{1, 2} * 3)), (NdArray<int, 1>{3, 6})) << "a temporary is kept";
  EXPECT_EQ(map([](int x, double y) { return x + y; }, NdArray<int, 1>{1, 2}, NdArray<double, 1>{0.5, 0.25}),
            (NdArray<double, 1>{1.5, 2.25}));
}

TEST(Expressions, ADimensionOfExtentOneIsRepeated) {
  const NdArray<double, 2> a{{1, 2}, {3, 6}};
  EXPECT_EQ((NdArray<double, 2>(a - mean(a, dim<0>))), (NdArray<double, 2>{{-1, -2}, {1, 2}}));
  EXPECT_EQ((NdArray<double, 2>(a - mean(a, dim<1>))), (NdArray<double, 2>{{-0.5, 0.5}, {-1.5, 1.5}}));
  EXPECT_EQ((NdArray<double, 2>(NdArray<double, 2>{{1, 2, 3}} + NdArray<double, 2>{{10}, {20}})),
            (NdArray<double, 2>{{11, 12, 13}, {21, 22, 23}}));
  EXPECT_EQ((NdArray<double, 2>(NdArray<double, 2>({0, 3}) + NdArray<double, 2>{{1, 2, 3}})).size(), 0u);
  try {
    NdArray<double, 2> c = a + NdArray<double, 2>({3, 2});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "an expression with arrays of 2 x 2 and of 3 x 2 elements: they do not fit each other");
  }
}

TEST(Algorithms, Reductions) {
  const NdArray<int, 2> a{{3, -1, 4}, {1, -5, 9}};
  EXPECT_EQ(sum(a), 11);
  EXPECT_EQ(prod(a), 540);
  EXPECT_EQ(minimum(a), -5);
  EXPECT_EQ(maximum(a), 9);
  EXPECT_EQ(extrema(a), (std::pair<int, int>{-5, 9}));
  EXPECT_EQ(mean(a), 11.0 / 6);
  EXPECT_EQ(count([](int x) { return x > 0; }, a), 4u);
  EXPECT_TRUE(any([](int x) { return x == 9; }, a));
  EXPECT_FALSE(all([](int x) { return x == 9; }, a));
  EXPECT_EQ(sum(a, dim<0>), (NdArray<std::int64_t, 2>{{4, -6, 13}}));
  EXPECT_EQ(sum(a, dim<1>), (NdArray<std::int64_t, 2>{{6}, {5}}));
  EXPECT_EQ(maximum(a, dim<1>), (NdArray<int, 2>{{4}, {9}}));
  EXPECT_EQ(reduce([](int x, int y) { return std::max(x, y); }, 100, a), 100);
  EXPECT_EQ(reduce(std::plus<>(), std::string("a"), NdArray<std::string, 1>{"b", "c", "d"}), "abcd");
  EXPECT_EQ(norm(NdArray<double, 1>{3, 4}), 5);
  EXPECT_EQ(norm(NdArray<std::complex<double>, 1>{{3, 4}}), 5);
  EXPECT_EQ(dot(NdArray<double, 1>{1, 2}, NdArray<double, 1>{3, 4}), 11);
  EXPECT_THROW(dot(NdArray<double, 1>{1, 2}, NdArray<double, 1>{3}), Error);
  const NdArray<double, 2> none({0, 3});
  EXPECT_EQ(sum(none), 0);
  EXPECT_EQ(prod(none), 1);
  EXPECT_TRUE(std::isnan(mean(none)));
  EXPECT_TRUE(all([](double) { return false; }, none));
  EXPECT_THROW(minimum(none), Error);
  EXPECT_EQ(sum(none, dim<0>), (NdArray<double, 2>{{0, 0, 0}}));
  EXPECT_THROW(minimum(none, dim<0>), Error);
  EXPECT_TRUE(sum(none, dim<1>).empty());
  EXPECT_TRUE(std::isnan(minimum(NdArray<double, 1>{1, std::nan(""), 0})));
  EXPECT_TRUE(std::isnan(maximum(NdArray<double, 1>{1, std::nan(""), 0})));
}

TEST(Algorithms, ProductsOfMatrices) {
  const NdArray<double, 2> m{{2, 1}, {1, 1}};
  EXPECT_EQ((m * NdArray<double, 1>{1, 2}), (NdArray<double, 1>{4, 3}));
  EXPECT_EQ((m * NdArray<double, 2>{{1, 0, 1}, {0, 1, 1}}), (NdArray<double, 2>{{2, 1, 3}, {1, 1, 2}}));
  EXPECT_EQ(((m + m) * NdArray<double, 1>{1, 2}), (NdArray<double, 1>{8, 6}));
  EXPECT_EQ(transpose(NdArray<int, 2>{{1, 2, 3}, {4, 5, 6}}), (NdArray<int, 2>{{1, 4}, {2, 5}, {3, 6}}));
  EXPECT_THROW((m * NdArray<double, 1>{1, 2, 3}), Error);
}

}  // namespace
}  // namespace cohort::test
