// What users of the manager slurm learn when a node dies, by a real Slurm over hosts in namespaces. Slurm takes a
// silent node for down after five to ten seconds here, after minutes elsewhere.

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../cli/tool.hpp"
#include "../hosts/host_bed.hpp"
#include "slurm_bed.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using contract::eventually;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class SlurmNodeTest : public testing::Test {
 protected:
  SlurmNodeTest() { ::setenv("TESTBED", hosts_.directory().c_str(), 1); }
  void SetUp() override {
    SKIP_UNLESS_ISOLATED(hosts_);
    bed_.emplace(2, std::vector<std::string>{"--hosts"});
    if (!bed_->runs()) GTEST_SKIP() << "there is no Slurm here; scripts/install-dependencies installs it";
  }

  /// Waits for the loss of a worker by this. @return what is said of it, and on standard error of others.
  template <class Lose>
  std::string loss_by(Lose lose, const std::string& flags) {
    const auto result =
        run_script("exec $cohort run -m slurm " + flags + " " COHORT_BATCH_PROGRAM " lost",
                   {.standard_input = "", .dir = files_.path(), .when_printed = "ready", .then = [&](int) { lose(); }});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_TRUE(contains(result.out, "\nlost: ")) << result.out;
    EXPECT_TRUE(eventually([&] { return std::filesystem::is_empty(files_.path()); })) << "the job's files";
    return result.out + result.err;
  }

  HostBed hosts_{2};
  std::optional<SlurmBed> bed_;
  const TemporaryDirectory files_;
};

// The kernel ends the connections; Slurm does not know of it yet.
TEST_F(SlurmNodeTest, OneWhoseProcessesAreAllKilledDoesNotAnswer) {
  const auto kill_all = [] { run_script("ssh -n -F $TESTBED/ssh_config h2 'kill -9 -1'"); };
  const std::string said = loss_by(kill_all, "-p 1 -o 'flags=[\"--nodelist=h2\"]'");
  EXPECT_TRUE(contains(said, "lost: process 2 exited: its node h2 does not answer")) << said;
}

// Nothing comes from it any more; the worker on the other node is lost with the job.
TEST_F(SlurmNodeTest, OneThatLosesItsPowerIsTheCauseOfTheEndOfItsJob) {
  const std::string said = loss_by([&] { hosts_.power_off(hosts_[1]); },
                                   "-p 2 --set timeouts.dead=12s -o 'flags=[\"--nodes=2\", \"--no-requeue\"]'");
  EXPECT_TRUE(contains(said, "lost: process 3 exited: job 1: failed (NODE_FAIL, NodeDown)")) << said;
}

}  // namespace
}  // namespace cohort::test

int main(int argc, char** argv) {
  cohort::test::enter_head();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
