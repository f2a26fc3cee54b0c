#include <cohort/opencl.hpp>

#include <cmath>
#include <utility>

#include <gtest/gtest.h>

#include <cohort/error.hpp>

#include "device_test.hpp"

namespace cohort::test {
namespace {

// The same text for arrays of each kind.
template <class Matrix, class Vector>
auto power_method(const Matrix& m, Vector v) {
  for (int i = 0; i < 100; i++) {
    v = m * v;
    v /= norm(v);
  }
  return std::pair(v, norm(m * v));
}

TEST(DeviceLinearAlgebra, ThePowerMethodIsOneTemplate) {
  const auto check = [](const auto& result, const NdArray<double, 1>& vector) {
    EXPECT_NEAR(vector[0], 0.850651, 1e-6);
    EXPECT_NEAR(vector[1], 0.525731, 1e-6);
    EXPECT_NEAR(result.second, 2.618033988749895, 1e-14);
  };
  const auto host = power_method(NdArray<double, 2>{{2, 1}, {1, 1}}, NdArray<double, 1>{1, 1});
  check(host, host.first);
  const auto device = power_method(DeviceArray<double, 2>{{2, 1}, {1, 1}}, DeviceArray<double, 1>{1, 1});
  check(device, device.first.copy());
}

template <class T>
void check_products(std::size_t rows, std::size_t inner, std::size_t columns) {
  const auto a = numbers<T>(Extents<2>{rows, inner}), b = numbers<T>(Extents<2>{inner, columns}, 2);
  const auto v = numbers<T>(Extents<1>{inner}, 3);
  const DeviceArray<T, 2> device_a(a), device_b(b);
  EXPECT_EQ((device_a * DeviceArray<T, 1>(v)).copy(), a * v) << rows << " x " << inner;
  EXPECT_EQ((device_a * device_b).copy(), a * b) << rows << " x " << inner << " x " << columns;
}

TEST(DeviceLinearAlgebra, ProductsByClBlast) {
  for (const std::size_t rows : {1, 7, 100})
    for (const std::size_t inner : {1, 33})
      for (const std::size_t columns : {1, 5, 130}) check_products<double>(rows, inner, columns);
  check_products<double>(0, 3, 4);
  check_products<double>(3, 0, 4);
  check_products<float>(33, 65, 0);
  const DeviceArray<double, 2> m{{2, 1}, {1, 1}};
  EXPECT_EQ(((m + m) * DeviceArray<double, 1>{1, 2}).copy(), (NdArray<double, 1>{8, 6}));
  EXPECT_THROW((m * DeviceArray<double, 1>{1, 2, 3}), Error);
}

TEST(DeviceLinearAlgebra, ProductsOfOtherTypes) {
  check_products<int>(33, 17, 9);
  check_products<int>(0, 3, 4);
  check_products<int>(3, 0, 4);
  check_products<std::int8_t>(5, 6, 7);
  const NdArray<float, 2> a{{0.5F, 2}, {1, 0.25F}};
  const NdArray<double, 1> v{1, 3};
  EXPECT_EQ((DeviceArray<float, 2>(a) * DeviceArray<double, 1>(v)).copy(), a * v);
}

TEST(DeviceLinearAlgebra, NormAndDotByClBlast) {
  // Each kernel of CLBlast takes a second to compile: those for float are left out.
  const auto host = numbers<double>(Extents<1>{1000}), other = numbers<double>(Extents<1>{1000}, 2);
  const DeviceArray<double, 1> a(host), b(other);
  const auto type = detail::element_type<double>();
  double result;
  ASSERT_TRUE(detail::norm_by_clblast(type, a.memory(), a.size(), &result, true));
  EXPECT_NEAR(result, norm(host), 1e-10);
  ASSERT_TRUE(detail::dot_by_clblast(type, a.memory(), b.memory(), a.size(), &result, true));
  EXPECT_EQ(result, dot(host, other));
  EXPECT_FALSE(detail::norm_by_clblast(type, nullptr, 0, &result, true));
}

TEST(DeviceLinearAlgebra, Transpose) {
  for (const Extents<2>& extents : {Extents<2>{1, 1}, {0, 3}, {1, 70}, {33, 47}}) {
    const auto host = numbers<int>(extents);
    EXPECT_EQ(transpose(DeviceArray<int, 2>(host)).copy(), transpose(host));
  }
  EXPECT_EQ(transpose(2 * DeviceArray<int, 2>{{1, 2}, {3, 4}}).copy(), (NdArray<int, 2>{{2, 6}, {4, 8}}));
}

}  // namespace
}  // namespace cohort::test
