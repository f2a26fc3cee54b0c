#pragma once

#include <gtest/gtest.h>

#include <string>

namespace cohort::contract {

/// Names tests after what they test, for INSTANTIATE_TEST_SUITE_P. Each suite defines its test_name() where its tests
/// are, so that who uses it links them, and only that suite's.
struct NameOf {
  template <class UnderTest>
  std::string operator()(const testing::TestParamInfo<UnderTest>& info) const {
    return test_name(info.param);
  }
};
inline constexpr NameOf name_of{};

}  // namespace cohort::contract
