// What scripts and managers rely on in the commands of `cohort fake-scheduler --dialect slurm`. The words are those of
// Slurm 22.05.8.

#include <signal.h>

#include <chrono>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include <cohort/child_process.hpp>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../cli/tool.hpp"
#include "fake_scheduler.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using contract::eventually;
namespace fs = std::filesystem;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class SlurmCommandsTest : public testing::Test {
 protected:
  ToolResult sh(const std::string& script) { return run_script(script, {.standard_input = "", .dir = files_.path()}); }
  bool queue_says(const std::string& text) {
    return eventually([&] { return contains(sh("squeue --noheader --states=all -o '%i %T %r'").out, text + "\n"); });
  }

  FakeScheduler scheduler_{"slurm"};
  const TemporaryDirectory files_;
};

TEST_F(SlurmCommandsTest, AScriptRunsWithItsDirectivesAndItsEnvironment) {
  files_.write("job.sh",
               "#!/bin/sh\n#SBATCH --job-name=sweep --ntasks=3\n#SBATCH -o %x-%j.txt\n#SBATCH --time=1:00:00\n"
               "echo $SLURM_JOB_ID $SLURM_JOB_NAME $SLURM_NTASKS $SLURM_JOB_NODELIST $SLURM_TASKS_PER_NODE $1\n"
               "echo $((SLURM_JOB_END_TIME - SLURM_JOB_START_TIME))\n"
               "srun --label sh -c 'echo $SLURMD_NODENAME $SLURM_PROCID $SLURM_LOCALID $SLURM_STEP_NUM_TASKS' | sort\n"
               "echo data | srun --input=all cat\n");
  const auto result = sh("sbatch --wait --job-name=other job.sh word && cat other-1.txt");
  EXPECT_EQ(result.out,
            "Submitted batch job 1\n1 other 3 n[1-2] 2,1 word\n3600\n0: n1 0 0 3\n1: n1 1 1 3\n2: n2 2 0 3\n"
            "data\ndata\ndata\n")
      << result.err;
  EXPECT_TRUE(queue_says("1 COMPLETED None"));
}

TEST_F(SlurmCommandsTest, AnArrayIsManyJobs) {
  const auto result =
      sh("sbatch --wait --array=1-5:2%2 --wrap 'echo part $SLURM_ARRAY_TASK_ID of $SLURM_ARRAY_JOB_ID' "
         "&& cat slurm-1_?.out; sbatch --hold --parsable --array=1-3 --wrap true; "
         "squeue -h -o '%i|%F|%t|%R'; squeue -h -r -o %i");
  EXPECT_EQ(
      result.out,
      "Submitted batch job 1\npart 1 of 1\npart 3 of 1\npart 5 of 1\n4\n4_[1-3]|4|PD|(JobHeldUser)\n4_1\n4_2\n4_3\n")
      << result.err;
}

TEST_F(SlurmCommandsTest, WhatIsWrongIsRefusedInTheWordsOfSlurm) {
  const auto says = [&](const std::string& command, const std::string& words) {
    const auto result = sh(command);
    EXPECT_NE(result.code, 0) << command;
    EXPECT_EQ(result.err, words) << command;
  };
  says("sbatch -p nowhere --wrap true",
       "sbatch: error: invalid partition specified: nowhere\n"
       "sbatch: error: Batch job submission failed: Invalid partition name specified\n");
  says("sbatch -A denied --wrap true",
       "sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified\n");
  says("sbatch --foo --wrap true", "sbatch: unrecognized option '--foo'\nTry \"sbatch --help\" for more information\n");
  says("echo hello | sbatch",
       "sbatch: error: This does not look like a batch script.  The first\n"
       "sbatch: error: line must start with #! followed by the path to an interpreter.\n"
       "sbatch: error: For instance: #!/bin/sh\n");
  says("sbatch nofile.sh", "sbatch: error: Unable to open file nofile.sh\n");
  says("squeue -j 99", "slurm_load_jobs error: Invalid job id specified\n");
  says("scancel", "scancel: error: No job identification provided\n");
  EXPECT_EQ(FakeScheduler::jobs(), "");
}

TEST_F(SlurmCommandsTest, AJobWaitsForThoseThatItDependsOn) {
  sh("sbatch -H -o /dev/null --wrap true; sbatch -H -o /dev/null --wrap false; "
     "sbatch -d afterok:1 -o /dev/null --wrap true; sbatch -d afterok:1:2 -o /dev/null --wrap true; "
     "sbatch -d afterany:2 -o /dev/null --wrap true");
  EXPECT_TRUE(queue_says("3 PENDING Dependency"));
  sh("scontrol release 1 2");
  EXPECT_TRUE(queue_says("3 COMPLETED None"));
  EXPECT_TRUE(queue_says("4 PENDING DependencyNeverSatisfied"));
  EXPECT_TRUE(queue_says("5 COMPLETED None"));
  EXPECT_EQ(sh("sbatch -d singleton --wrap true").err,
            "sbatch: error: Batch job submission failed: Job dependency problem\n");
}

TEST_F(SlurmCommandsTest, AStepWaitsForTheSlotsOfAnother) {
  const auto result = sh(
      "mkfifo ready go; salloc -Q -n 2 sh -c '"
      "srun -n 2 --input=none sh -c \"test \\$SLURM_PROCID = 1 || { echo >ready; cat go; }\" & cat ready >/dev/null; "
      "srun -n 1 --input=none echo later 2>err & until grep -q disabled err; do :; done; "
      "srun --overlap -n 1 --input=none echo beside; echo first >go; wait' | sort; cat err");
  EXPECT_TRUE(contains(result.out, "beside\n") && contains(result.out, "first\n") && contains(result.out, "later\n"));
  EXPECT_TRUE(
      contains(result.out, "srun: Job 1 step creation temporarily disabled, retrying (Requested nodes are busy)\n"))
      << result.out << result.err;
}

TEST_F(SlurmCommandsTest, SrunSaysHowEachTaskEnded) {
  const auto codes = sh("salloc -Q -n 4 srun --kill-on-bad-exit=0 sh -c 'exit 3'");
  EXPECT_EQ(codes.err,
            "srun: error: n1: tasks 0-1: Exited with exit code 3\n"
            "srun: error: n2: tasks 2-3: Exited with exit code 3\n");
  EXPECT_EQ(codes.code, 3);
  const auto killed = sh("salloc -Q -n 4 srun --kill-on-bad-exit=0 sh -c 'test $SLURM_PROCID != 3 || kill -9 $$'");
  EXPECT_TRUE(contains(killed.err, "srun: error: n2: task 3: Killed\n")) << killed.err;
  EXPECT_EQ(killed.code, 137);
  const auto all = sh("salloc -Q -n 4 srun --kill-on-bad-exit=1 sh -c 'test $SLURM_PROCID != 3 || exit 5; sleep 100'");
  EXPECT_TRUE(contains(all.err, "srun: error: n1: tasks 0-1: Terminated\n")) << all.err;
  const auto many = sh("salloc -Q -n 2 srun -n 3 true");
  EXPECT_EQ(many.err, "srun: error: Unable to create step for job 4: More processors requested than permitted\n");
  const auto missing = sh("salloc -Q -n 1 srun no-such-command");
  EXPECT_EQ(missing.err,
            "slurmstepd-n1: error: execve(): no-such-command: No such file or directory\n"
            "srun: error: n1: task 0: Exited with exit code 2\n");
}

TEST_F(SlurmCommandsTest, JobsWaitForSlotsAndForQueuesThatAreUp) {
  sh("sbatch -n 3 --wrap 'sleep 100'; sbatch -n 2 --wrap true; sbatch --wrap true; sbatch -p closed --wrap true; "
     "sbatch -n 9 --wrap true; sbatch -p short -t 5 --wrap true");
  EXPECT_TRUE(queue_says("2 PENDING Resources"));
  EXPECT_TRUE(queue_says("3 PENDING Priority"));
  EXPECT_TRUE(queue_says("4 PENDING PartitionDown"));
  EXPECT_TRUE(queue_says("5 PENDING PartitionConfig"));
  EXPECT_TRUE(queue_says("6 PENDING PartitionTimeLimit"));
  FakeScheduler::control("queue-up closed");
  sh("scancel 1");
  EXPECT_TRUE(queue_says("1 CANCELLED None"));
  EXPECT_TRUE(queue_says("2 COMPLETED None"));
  EXPECT_TRUE(queue_says("4 COMPLETED None"));
}

// Each end of a job takes its processes with it, also those that hide in a session of their own.
TEST_F(SlurmCommandsTest, AJobThatMustEndIsGoneWithAllItsProcesses) {
  const std::string stubborn = "'trap \"\" TERM; setsid sleep 300 & sleep 300; sleep 300; sleep 300'";
  sh("sbatch -t 0:01 -o timeout.txt --wrap " + stubborn + "; sbatch --wrap " + stubborn + "; sbatch -o none --wrap " +
     stubborn);
  EXPECT_TRUE(queue_says("3 RUNNING None"));
  sh("scancel 2");
  FakeScheduler::control("kill 3");
  EXPECT_TRUE(queue_says("2 CANCELLED None"));
  EXPECT_TRUE(queue_says("3 FAILED JobLaunchFailure"));
  EXPECT_TRUE(queue_says("1 TIMEOUT TimeLimit"));
  EXPECT_TRUE(contains(files_.read("timeout.txt"), " DUE TO TIME LIMIT ***")) << files_.read("timeout.txt");
  EXPECT_EQ(scheduler_.processes(), "");
}

TEST_F(SlurmCommandsTest, ASignalComesBeforeTheEndOfTheTime) {
  sh("sbatch -t 0:02 --signal=B:USR1@1 -o out --wrap 'trap \"echo warned; exit 4\" USR1; sleep 60 & wait'");
  EXPECT_TRUE(queue_says("1 FAILED NonZeroExitCode"));
  EXPECT_EQ(files_.read("out"), "warned\n");
}

TEST_F(SlurmCommandsTest, TooMuchMemoryEndsTheProcessThatHasIt) {
  sh("sbatch --mem=100M -o out --wrap 'head -c 300000000 /dev/zero | tail; echo after'");
  EXPECT_TRUE(queue_says("1 OUT_OF_MEMORY OutOfMemory"));
  EXPECT_TRUE(contains(files_.read("out"), "after")) << files_.read("out");
}

TEST_F(SlurmCommandsTest, AFailedHostAndAPreemptionQueueTheJobAgain) {
  sh("sbatch -n 3 -o out --open-mode=append --wrap 'srun sleep 300; sleep 300'");
  EXPECT_TRUE(queue_says("1 RUNNING None"));
  FakeScheduler::control("host-down n2");
  EXPECT_TRUE(queue_says("1 PENDING Resources"));
  EXPECT_FALSE(contains(sh("squeue -h -t all").out, "NF"));  // it has not ended
  EXPECT_EQ(scheduler_.processes(), "");
  FakeScheduler::control("host-up n2");
  EXPECT_TRUE(queue_says("1 RUNNING None"));
  FakeScheduler::control("preempt 1");
  EXPECT_TRUE(queue_says("1 PENDING BeginTime"));
  EXPECT_TRUE(contains(files_.read("out"), " DUE TO PREEMPTION ***")) << files_.read("out");
  sh("sbatch --no-requeue --wrap 'sleep 300'");
  EXPECT_TRUE(queue_says("2 RUNNING None"));
  FakeScheduler::control("host-down n1");
  EXPECT_TRUE(queue_says("2 NODE_FAIL NodeDown"));
}

TEST_F(SlurmCommandsTest, AThousandJobsAreNoBurden) {
  const auto result = sh("sbatch --hold --array=1-1000 --wrap true >ids; squeue -h -r | wc -l");
  EXPECT_EQ(result.out, "1000\n") << result.err;
  sh("scancel --name=wrap");
  EXPECT_EQ(sh("squeue -h | wc -l").out, "0\n");
}

TEST(FakeSchedulerTest, WhatCannotBeDoneIsSaid) {
  const FakeScheduler scheduler("slurm");
  EXPECT_EQ(FakeScheduler::control("host-down n9"), "cohort: control: there is no host 'n9'\n");
  EXPECT_EQ(FakeScheduler::control("preempt 7"), "cohort: control: preempt: there is no job '7'\n");
  EXPECT_TRUE(contains(FakeScheduler::control("explode"), "there is no verb 'explode'; there are: jobs, preempt, "));
  EXPECT_TRUE(contains(FakeScheduler::control("slow soon"), "control slow"));
  EXPECT_EQ(FakeScheduler::control("fail-submission x"), "cohort: control: fail-submission wants a number, not 'x'\n");
  const auto outside = run_script("env -u COHORT_FAKE_SCHEDULER $cohort fake-scheduler control jobs");
  EXPECT_EQ(outside.code, 2);
  EXPECT_TRUE(contains(outside.err, "COHORT_FAKE_SCHEDULER is not set")) << outside.err;
  EXPECT_EQ(cohort_tool({"fake-scheduler", "--dialect=nqs"}).code, 2);
  EXPECT_EQ(cohort_tool({"fake-scheduler", "--hosts=0"}).code, 2);
  EXPECT_EQ(cohort_tool({"fake-scheduler", "--", "no-such-program"}).code, 127);
}

// Nothing is left of it, whichever way it ends.
TEST(FakeSchedulerTest, ItsEndIsTheEndOfItsJobs) {
  for (const std::string how : {"exec 3>&-", "kill -INT $scheduler", "kill -TERM $scheduler", "kill -HUP $scheduler",
                                "kill -KILL $scheduler"}) {
    const TemporaryDirectory files;
    // Of one that was killed somebody else has to clear up.
    const std::string settle =
        contains(how, "KILL") ? "while pgrep -x -f \"$nap\" || test -e $directory; do :; done >/dev/null; " : "";
    const auto result = run_script(
        "nap=\"sleep 300.$$\"; mkfifo in line; $cohort fake-scheduler --kill-grace=200ms <in >line & scheduler=$!; "
        "exec 3>in; read -r setting <line; eval \"$setting\"; directory=$COHORT_FAKE_SCHEDULER; "
        "sbatch --wrap \"trap '' TERM; $nap\" -n 2 >/dev/null || exit; srun -n 2 $nap 2>/dev/null 3>&- & "
        "until [ $(squeue -h -t running | wc -l) = 2 ]; do :; done; " +
            how + "; wait $scheduler; wait; " + settle + "pgrep -x -f \"$nap\"; test -e $directory || echo gone",
        {.standard_input = "", .dir = files.path()});
    EXPECT_EQ(result.out, "gone\n") << how << result.err;
  }
}

TEST(FakeSchedulerTest, AProgramRunsWithItsCommandsAndGivesItsExitCode) {
  const auto result = cohort_tool({"fake-scheduler", "--hosts", "3", "--cpus", "5", "--", "sh", "-c",
                                   "sinfo -h | head -n 1; sbatch -o /dev/null --wrap 'sleep 300' >&2; exit 7"});
  EXPECT_EQ(result.code, 7);
  EXPECT_EQ(result.out, "all*         up   infinite      3   idle n[1-3]\n");
}

}  // namespace
}  // namespace cohort::test
