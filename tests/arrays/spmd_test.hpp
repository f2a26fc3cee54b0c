#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <cohort/spmd.hpp>

#include "../memory/memory_test.hpp"

namespace cohort::test {

using Texts = std::vector<std::string>;

inline std::vector<Pid> first_procs(int count) {
  auto pids = procs();
  pids.resize(static_cast<std::size_t>(count));
  return pids;
}

// Nothing is left: neither a rank nor a caller, nor a reference.
inline void expect_nothing_left() {
  EXPECT_TRUE(eventually([] { return detail::open_teams() == 0; })) << detail::open_teams();
  EXPECT_TRUE(eventually([] {
    const auto all = procs();
    return std::all_of(all.begin(), all.end(), [](Pid pid) { return reference_count(pid) == 0; });
  }));
}

class Spmd : public ::testing::Test {
 protected:
  void TearDown() override { expect_nothing_left(); }
  void restart(int workers, const AddprocsOptions& options = {}) {
    cluster_.reset();
    cluster_ = std::make_unique<TestCluster>(workers, options);
  }
  TestCluster& cluster() { return *cluster_; }

 private:
  std::unique_ptr<TestCluster> cluster_;
};

class SpmdOverTopologies : public Spmd, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override { restart(8, {.topology = GetParam()}); }
};

#define COHORT_OVER_BOTH_TOPOLOGIES(suite)                                                      \
  INSTANTIATE_TEST_SUITE_P(Topologies, suite, ::testing::Values("all_to_all", "master_worker"), \
                           [](const auto& topology) { return std::string(topology.param); })

}  // namespace cohort::test
