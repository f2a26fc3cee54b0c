#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include <cohort/cohort.hpp>
#include <cohort/testing/test_cluster.hpp>

#include "../cluster/cluster_test.hpp"

namespace cohort::test {

using cohort::testing::TestCluster;

/// Each test in a whole wire, and in one that carries a few bytes at a time.
class MemoryTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  static testing::WireOptions wire() { return {.piece = GetParam()}; }
};

#define COHORT_OVER_EACH_WIRE(suite)                                                       \
  INSTANTIATE_TEST_SUITE_P(Pieces, suite, ::testing::Values(0, 7), [](const auto& piece) { \
    return piece.param == 0 ? std::string("whole") : std::to_string(piece.param);          \
  })

}  // namespace cohort::test
