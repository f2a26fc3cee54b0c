#pragma once

#include <gtest/gtest.h>

#include <string>

namespace cohort::contract {

/// Names tests after the plugin under test, for INSTANTIATE_TEST_SUITE_P. Each suite defines its test_name() in the
/// file of its tests, so that a program that uses it links these tests, and only those of that suite.
struct NameOf {
  template <class UnderTest>
  std::string operator()(const ::testing::TestParamInfo<UnderTest>& info) const {
    return test_name(info.param);
  }
};
inline constexpr NameOf name_of{};

}  // namespace cohort::contract
