// The managers of batch systems under the contract of all managers. The workers are this program.

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>

#include <cohort/contract/manager_suite.hpp>
#include <cohort/session.hpp>

#include "slurm_bed.hpp"

namespace cohort::contract {
namespace {

class Scheduler final : public testing::Environment {
 public:
  void SetUp() override {
    bed = std::make_unique<test::SlurmBed>();
    if (bed->runs()) return;
    std::puts("[  SKIPPED ] for ctest, which does not see what an environment says");
    GTEST_SKIP() << "there is no Slurm here; scripts/install-dependencies installs it";
  }
  void TearDown() override { bed.reset(); }

  static std::unique_ptr<test::SlurmBed> bed;
};
std::unique_ptr<test::SlurmBed> Scheduler::bed;

INSTANTIATE_TEST_SUITE_P(Slurm, ManagerContract,
                         testing::Values(ManagerUnderTest{
                             .name = "job",
                             .plugin = "slurm",
                             .bad_options = {{R"({"walltime": "2"})", "walltime"}, {R"({"queue": "0s"})", "queue"}},
                             .make_options = [] { return R"({"files": ")" + Scheduler::bed->directory() + R"("})"; }}),
                         name_of);

}  // namespace
}  // namespace cohort::contract

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  testing::AddGlobalTestEnvironment(new cohort::contract::Scheduler);
  return RUN_ALL_TESTS();
}
