#pragma once

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include <cohort/cohort.hpp>

namespace cohort::test {

/// Workers that are removed at the end of the test.
class ClusterTest : public testing::Test {
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

/// Looks until `condition` holds; false after `limit`. For what another process or thread brings about.
template <class F>
bool eventually(F&& condition, Duration limit = std::chrono::seconds(20)) {
  for (const auto deadline = deadline_after(limit); Clock::now() < deadline;) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return condition();
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace cohort::test
