#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include <gtest/gtest.h>

#include <cohort/opencl.hpp>

namespace cohort::test {

/// Small numbers, not in order; none is zero. Those of signed types are also negative.
template <class T, std::size_t N>
NdArray<T, N> numbers(const Extents<N>& extents, std::size_t seed = 1) {
  NdArray<T, N> array(extents);
  for (std::size_t i = 0; i < array.size(); i++) {
    const int number = static_cast<int>((i * 7 + seed * 5) % 11) + 1;
    if constexpr (std::is_same_v<T, bool>)
      array[i] = number % 2 == 1;
    else if constexpr (std::is_signed_v<T>)
      array[i] = static_cast<T>(number % 3 == 0 ? -number : number);
    else
      array[i] = static_cast<T>(number);
  }
  return array;
}

/// None, one, fewer than a work-group has work-items, and more than the smallest share of a work-group; uneven.
inline constexpr std::array<std::size_t, 5> sizes{0, 1, 7, 1000, 70001};

template <class T, std::size_t N>
void expect_near(const NdArray<T, N>& a, const NdArray<T, N>& b, double relative) {
  ASSERT_EQ(a.extents(), b.extents());
  for (std::size_t i = 0; i < a.size(); i++)
    ASSERT_NEAR(a[i], b[i], relative * (1 + std::abs(static_cast<double>(b[i])))) << "at " << i;
}

}  // namespace cohort::test
