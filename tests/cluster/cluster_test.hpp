#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include <cohort/cohort.hpp>

#include "../../contract/include/cohort/contract/eventually.hpp"

namespace cohort::test {

/// Workers that are removed at the end of the test.
class ClusterTest : public ::testing::Test {
 protected:
  void TearDown() override {
    rmprocs(cohort::procs().size() > 1 ? cohort::workers() : std::vector<Pid>{});
    EXPECT_EQ(nprocs(), 1);
  }
};

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

/// What a machine that has much else to do may add to a timeout.
constexpr Duration slack = std::chrono::seconds(10);

/// thrown_by(), for what must not take longer than the timeout that has to run out before; 0 s where none has to.
template <class E = std::exception, class F>
std::string thrown_within(Duration timeout, F&& body) {
  const auto start = Clock::now();
  const std::string text = thrown_by<E>(body);
  EXPECT_LT(Clock::now() - start, timeout + slack) << text;
  return text;
}

/// contract::eventually(), so that a test has time to say what is not.
template <class F>
bool eventually(F&& condition, Duration limit = std::chrono::seconds(20)) {
  return contract::eventually(std::forward<F>(condition), limit);
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace cohort::test
