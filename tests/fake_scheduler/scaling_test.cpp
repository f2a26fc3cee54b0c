// As many jobs as there is work for, and `cohort explain`, which says why.

#include <filesystem>
#include <regex>
#include <string>

#include <gtest/gtest.h>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../cli/tool.hpp"
#include "fake_scheduler.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using contract::eventually;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class ScalingTest : public testing::Test {
 protected:
  ToolResult run(const std::string& script) {
    return run_script("export XDG_STATE_HOME=$PWD/state\n" + script, {.standard_input = "", .dir = files_.path()});
  }

  const FakeScheduler scheduler_{"slurm", {"--hosts", "1", "--cpus", "3"}};
  const TemporaryDirectory files_;
};

// Three of four jobs have room. The fourth waits in the queue until there is no work for it.
TEST_F(ScalingTest, JobsComeWithTheWorkAndLeaveWithoutIt) {
  const auto result = run("$cohort run -m slurm -p 1 -o max=4 -o idle=1s " COHORT_BATCH_PROGRAM
                          " scale 40 500 > out 2> err &\n"
                          "until grep -q -e left out || ! kill -0 $!; do sleep 0.1; done 2> /dev/null\n"
                          "for i in $(seq 100); do $cohort explain > said; grep -q '1 worker wanted, 1 there' said && "
                          "break; sleep 0.1; done\n"
                          "cat said; rm said; echo > go; wait; cat out err >&2; rm go out err");
  EXPECT_TRUE(contains(result.err, "workers 1 on")) << result.err;
  EXPECT_TRUE(contains(result.err, "all right, by 3 processes")) << result.err;
  EXPECT_TRUE(contains(result.err, "left: 1")) << result.err;
  EXPECT_TRUE(
      std::regex_search(result.err, std::regex("cohort: jobs 2 to 4 were submitted: [0-9]+ items of maps \\([0-9]+ s "
                                               "for one worker\\): 4 workers wanted, 1 there or coming")))
      << result.err;
  EXPECT_TRUE(contains(result.err, "cohort: job 4 is cancelled while it is queued (")) << result.err;
  EXPECT_TRUE(contains(result.err, "cohort: job 3: its workers leave, as there was no work for them for 1 s"))
      << result.err;
  EXPECT_FALSE(contains(result.err, "has lost its workers")) << result.err;
  EXPECT_FALSE(contains(result.err, "terminated")) << result.err;

  EXPECT_TRUE(std::regex_search(result.out, std::regex("^cohort-[0-9a-f]{10} \\(slurm, process [0-9]+ on ")))
      << result.out;
  for (const std::string part :
       {"no work: 1 worker wanted, 1 there or coming\n", "job 1: active on n1, 1 of 1 workers here\n",
        " job 1: submitted for 1 worker\n", " jobs 2 to 4 were submitted: ", " job 4 is cancelled "})
    EXPECT_TRUE(contains(result.out, part)) << part << '\n' << result.out;
  EXPECT_TRUE(eventually([&] { return scheduler_.processes().empty(); })) << scheduler_.processes();
}

TEST_F(ScalingTest, WorkersThatAreLostAreReplaced) {
  const auto result = run("$cohort run -m slurm -p 2 -o jobs=each -o max=2 " COHORT_BATCH_PROGRAM
                          " back > out 2> err &\n"
                          "until grep -q ready out; do sleep 0.02; done\n"
                          "scancel 1 2; wait; cat out err >&2; rm out err");
  EXPECT_TRUE(contains(result.err, "lost\nback: 2\n")) << result.err;
  EXPECT_TRUE(contains(result.err, "jobs 3 to 4 were submitted: no work: 2 workers wanted, 0 there or coming"))
      << result.err;
}

TEST_F(ScalingTest, AnArrayGrowsByArrays) {
  const auto result = run("$cohort run -m slurm -p 1 -o jobs=array -o max=3 " COHORT_BATCH_PROGRAM " map 30 500");
  EXPECT_TRUE(contains(result.out, "all right, by 3 processes")) << result.out << result.err;
  EXPECT_TRUE(contains(result.err, "jobs 2_1 to 2_2 were submitted")) << result.err;
}

// A second job of two would be more, also while only one of its workers has joined.
TEST_F(ScalingTest, ThereAreNeverMoreThanTheMost) {
  const FakeScheduler larger{"slurm", {"--hosts", "3", "--cpus", "2"}};
  const auto result = run("$cohort run -m slurm -p 2 -o max=5 " COHORT_BATCH_PROGRAM " map 20 800");
  EXPECT_TRUE(contains(result.out, "all right, by 4 processes")) << result.out << result.err;
  EXPECT_TRUE(contains(FakeScheduler::jobs(), "2 cohort-")) << FakeScheduler::jobs();
  EXPECT_FALSE(contains(FakeScheduler::jobs(), "3 cohort-")) << FakeScheduler::jobs();
}

// Jobs that are submitted later have the limits of the first ones.
TEST_F(ScalingTest, JobsWhoseWorkersDoNotComeAreGivenUp) {
  files_.write("job.sh",
               "#!/bin/sh\n#SBATCH --job-name={name}\n#SBATCH --ntasks={tasks}\n#SBATCH --output={output}\n"
               "[ $SLURM_JOB_ID = 1 ] || exec sleep 60\n"
               "exec srun --input=all --kill-on-bad-exit=0 --wait=0 {command} <{join_file}\n");
  const auto result =
      run("$cohort run -m slurm -p 1 -o jobs=each -o max=2 -o launch=1s -o template=job.sh " COHORT_BATCH_PROGRAM
          " map 20 500");
  EXPECT_TRUE(contains(result.out, "all right, by 1 processes")) << result.out << result.err;
  EXPECT_TRUE(contains(result.err, "job 2 has been running on n1 for 1 s (option launch)")) << result.err;
}

TEST_F(ScalingTest, JobsThatWaitForTooLongAreGivenUp) {
  const auto result = run("$cohort run -m slurm -p 1 -o max=5 -o queue=1s " COHORT_BATCH_PROGRAM " map 40 500");
  EXPECT_TRUE(contains(result.out, "all right, by 3 processes")) << result.out << result.err;
  EXPECT_TRUE(std::regex_search(result.err,
                                std::regex("job [45] is still queued \\(Resources\\) after 1 s \\(option queue\\)")))
      << result.err;
}

TEST_F(ScalingTest, TheMostMustNotBeFewerThanTheFirst) {
  const auto result = run("$cohort run -m slurm -p 4 -o max=3 true");
  EXPECT_EQ(result.code, 3) << result.err;
  EXPECT_TRUE(contains(result.err, "max: 3 workers are fewer than count, which is 4")) << result.err;
}

TEST_F(ScalingTest, ExplainSaysWhenThereIsNothingToExplain) {
  const auto result = run("$cohort explain; $cohort explain cohort-0123456789");
  EXPECT_EQ(result.out, "no cluster runs, whose workers are jobs\n");
  EXPECT_EQ(
      result.err,
      "cohort: no cluster cohort-0123456789 runs, whose workers are jobs. 'cohort explain' shows which there are\n");
}

}  // namespace
}  // namespace cohort::test
