// Whatever ends a program whose workers are jobs: nothing stays.

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "../batch/every_end.hpp"
#include "../cli/tool.hpp"
#include "fake_scheduler.hpp"

namespace cohort::test {
namespace {

// "number name state hosts" in lines.
std::map<std::string, bool> jobs() {
  std::map<std::string, bool> found;
  for (const auto& line : lines_of(FakeScheduler::jobs())) {
    const auto name = line.find(' ') + 1, state = line.find(' ', name) + 1;
    const std::string word = line.substr(state, line.find(' ', state) - state);
    if (word == "pending" || word == "running" || word == "completing")
      found[line.substr(name, state - 1 - name)] |= word != "pending";
  }
  return found;
}

const EndBed slurm{"slurm", R"(["--hold"])", "sbatch --parsable", jobs};

class EndsTest : public testing::TestWithParam<EndBed> {};

TEST_P(EndsTest, NothingStaysWhateverEndsAMasterAtWhateverTime) {
  const FakeScheduler scheduler(GetParam().manager, {"--hosts=4", "--cpus=16"});
  expect_that_nothing_stays_after_any_end(GetParam());
  EXPECT_EQ(scheduler.processes(), "");
}

INSTANTIATE_TEST_SUITE_P(
    Of, EndsTest,
    testing::Values(slurm, EndBed{"sge", R"(["-h"])", "qsub -terse", jobs}, EndBed{"pbs", R"(["-h"])", "qsub", jobs},
                    EndBed{"lsf", R"(["-H"])", "bsub", jobs},
                    EndBed{"htcondor", R"(["-append", "hold = true"])", "condor_submit -terse", jobs}),
    [](const auto& its) { return its.param.manager; });

TEST(KilledEarlyTest, NothingStaysOfAMasterThatIsKilledInItsFirstMoments) {
  const FakeScheduler scheduler("slurm");
  expect_that_nothing_stays_of_masters_killed_early(slurm);
}

}  // namespace
}  // namespace cohort::test
