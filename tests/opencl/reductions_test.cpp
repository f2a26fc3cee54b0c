#include <cohort/opencl.hpp>

#include <cmath>
#include <cstdint>
#include <functional>

#include <gtest/gtest.h>

#include <cohort/error.hpp>

#include "device_test.hpp"

namespace cohort::test {
namespace {

TEST(DeviceReductions, OfNumbers) {
  for (const std::size_t size : sizes) {
    const auto host = numbers<double>(Extents<1>{size});
    const DeviceArray<double, 1> a(host);
    EXPECT_EQ(sum(a), sum(host)) << size << ": whole numbers, so that the order does not matter";
    EXPECT_EQ(norm(a), norm(host));
    EXPECT_EQ(dot(a, a), dot(host, host));
    if (size == 0) {
      EXPECT_TRUE(std::isnan(mean(a)));
      EXPECT_THROW(minimum(a), Error);
      EXPECT_THROW(extrema(a), Error);
    } else {
      EXPECT_EQ(mean(a), mean(host));
      EXPECT_EQ(extrema(a), extrema(host));
    }
  }
  const NdArray<double, 1> some{1.5, -2, 0.25, 4};
  EXPECT_EQ(prod(DeviceArray<double, 1>(some)), prod(some));
  EXPECT_EQ(prod(DeviceArray<double, 1>()), 1);
  EXPECT_TRUE(std::isnan(minimum(DeviceArray<double, 1>{1, std::nan(""), 0})));
  EXPECT_TRUE(std::isnan(maximum(DeviceArray<double, 1>{1, std::nan(""), 0})));
  EXPECT_EQ(sum(DeviceArray<float, 1>({1000}, 0.5F)), 500);
  // Added up in parts, so that the error stays small: 0.1 has no exact form.
  EXPECT_NEAR(sum(DeviceArray<float, 1>({10000000}, 0.1F)), 1e6, 10);
}

TEST(DeviceReductions, OfIntegersAndTruth) {
  const auto check = [](auto zero) {
    using T = decltype(zero);
    const auto host = numbers<T>(Extents<2>{33, 31});
    const DeviceArray<T, 2> a(host);
    static_assert(std::is_same_v<decltype(sum(a)), decltype(sum(host))>);
    EXPECT_EQ(sum(a), sum(host));
    EXPECT_EQ(count(a), count(host));
    EXPECT_EQ(mean(a), mean(host));
  };
  check(std::int8_t()), check(false);
  const DeviceArray<int, 1> a{3, -1, 4, 1, -5, 9};
  EXPECT_EQ(extrema(a), (std::pair<int, int>{-5, 9}));
  EXPECT_TRUE(all(a));
  EXPECT_TRUE(any(DeviceArray<bool, 1>{false, true}));
  EXPECT_FALSE(all(DeviceArray<bool, 1>{false, true}));
  EXPECT_TRUE(all(DeviceArray<bool, 1>()));
  EXPECT_EQ(reduce(std::plus<int>(), 100, a), 111);
  EXPECT_EQ(reduce(std::bit_xor<>(), 0, a), reduce(std::bit_xor<>(), 0, a.copy()));
}

TEST(DeviceReductions, OfExpressions) {
  const auto host = numbers<double>(Extents<2>{40, 50}), row = numbers<double>(Extents<2>{1, 50}, 2);
  const DeviceArray<double, 2> a(host), b(row);
  EXPECT_EQ(sum(2.0 * a + b), sum(2.0 * host + row));
  EXPECT_EQ(maximum(a - b), maximum(host - row));
  EXPECT_EQ(dot(a + 1, a), dot(host + 1, host));
  EXPECT_EQ(norm(a - a), 0);
  EXPECT_THROW(dot(a, b), Error);
}

TEST(DeviceReductions, AlongADimension) {
  const auto check = [](const Extents<3>& extents) {
    const auto host = numbers<double>(extents);
    const DeviceArray<double, 3> a(host);
    EXPECT_EQ(sum(a, dim<0>).copy(), sum(host, dim<0>));
    EXPECT_EQ(sum(a, dim<1>).copy(), sum(host, dim<1>));
    EXPECT_EQ(sum(a, dim<2>).copy(), sum(host, dim<2>));
  };
  check({3, 4, 5});
  check({40, 50, 1});
  check({3, 20, 37});
  check({1, 150000, 2});
  check({0, 3, 0});
  const NdArray<int, 2> host{{3, -1, 4}, {1, -5, 9}};
  const DeviceArray<int, 2> a(host);
  EXPECT_EQ(sum(a, dim<0>).copy(), (NdArray<std::int64_t, 2>{{4, -6, 13}}));
  EXPECT_EQ(maximum(a, dim<1>).copy(), (NdArray<int, 2>{{4}, {9}}));
  EXPECT_EQ(mean(a, dim<0>).copy(), mean(host, dim<0>));
  EXPECT_EQ(sum(2 * a, dim<0>).copy(), sum(2 * host, dim<0>));
  EXPECT_EQ(sum(DeviceArray<int, 2>({0, 3}), dim<0>).copy(), (NdArray<std::int64_t, 2>{{0, 0, 0}}));
  EXPECT_THROW(maximum(DeviceArray<int, 2>({0, 3}), dim<0>), Error);
  EXPECT_TRUE(sum(DeviceArray<int, 2>({0, 3}), dim<1>).empty());
}

}  // namespace
}  // namespace cohort::test
