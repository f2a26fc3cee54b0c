#pragma once

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/arrays.hpp>
#include <cohort/cohort.hpp>
#include <cohort/testing/test_cluster.hpp>

#include "../cluster/cluster_test.hpp"

namespace cohort::test {

/// Elements that are all different.
template <std::size_t N>
NdArray<double, N> numbered(const Extents<N>& extents) {
  NdArray<double, N> a(extents);
  for (std::size_t i = 0; i < a.size(); i++) a[i] = std::sin(static_cast<double>(i)) * 100;
  return a;
}

/// A cluster of six workers in memory; afterwards no part of an array is left.
class DArrayTest : public ::testing::Test {
 protected:
  DArrayTest() : cluster(6) {}
  ~DArrayTest() override {
    EXPECT_TRUE(eventually([] { return detail::count_parts() == 0; })) << detail::count_parts();
  }
  cohort::testing::TestCluster cluster;
};

/// The layouts that every operation is tried with.
inline std::vector<DArrayOptions<2>> layouts() {
  return {{.grid = {1, 1}},
          {.grid = {1, 4}},
          {.grid = {4, 1}},
          {.grid = {2, 2}},
          {.grid = {3, 2}},
          {},
          {.pids = {7, 3, 5}, .grid = {3, 1}},
          {.grid = {2, 2}, .block = {1, 2}},
          {.grid = {3, 1}, .block = {1, 0}}};
}
inline const std::vector<Extents<2>> all_extents = {{1, 1}, {2, 3}, {7, 5}, {0, 4}, {3, 0}, {150, 70}};

}  // namespace cohort::test
