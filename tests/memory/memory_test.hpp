#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include <cohort/cohort.hpp>
#include <cohort/testing/test_cluster.hpp>

#include "../../contract/include/cohort/contract/eventually.hpp"

namespace cohort::test {

using testing::TestCluster;

/// What `body` throws, as text; "" if nothing.
template <class E = std::exception, class F>
std::string thrown_by(F&& body) {
  try {
    body();
  } catch (const E& error) {
    return error.what();
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

template <class F>
bool eventually(F&& condition, Duration limit = std::chrono::seconds(20)) {
  return contract::eventually(std::forward<F>(condition), limit);
}

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
