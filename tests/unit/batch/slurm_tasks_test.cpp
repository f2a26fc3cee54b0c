#include "slurm/slurm_tasks.hpp"

#include <gtest/gtest.h>

#include <cohort/batch/command.hpp>

namespace cohort_slurm {
namespace {

TEST(SlurmTasks, WhatSrunSaysOfATaskIsSaidOfTheWorkerWithThatProcessId) {
  const std::string output =
      "cohort-task 0 1200 n1\ncohort-task 3 1203 n1\ncohort-task 12 1212 n2\ncohort-task 7 1207 n2\nline of a worker\n"
      "srun: error: n1: task 3: Exited with exit code 7\n"
      "srun: error: n2: tasks 5-8,12: Killed\n";
  EXPECT_EQ(end_of_task(output, 1203), "Exited with exit code 7 on n1");
  EXPECT_EQ(end_of_task(output, 1212), "Killed on n2");
  EXPECT_EQ(end_of_task(output, 1207), "Killed on n2");
  EXPECT_EQ(end_of_task(output, 1200), "") << "it still runs";
  EXPECT_EQ(end_of_task(output, 4711), "") << "it is another's";
  EXPECT_EQ(end_of_task("", 1203), "");
}

TEST(SlurmTasks, AMemoryLimitIsTheCauseOfAnEnd) {
  const std::string marks = "cohort-task 0 1200 n1\ncohort-task 1 1201 n1\n", end = "srun: error: n1: task 1: Killed\n";
  const std::string by_accounting =
      "slurmstepd-n1: error: StepId=9.0 exceeded memory limit (631703552 > 419430400), being killed\n";
  const std::string by_cgroup =
      "slurmstepd: error: Detected 1 oom_kill event in StepId=9.0. Some of the step tasks have been OOM Killed.\n";
  EXPECT_EQ(end_of_task(marks + by_accounting + end, 1201),
            "Killed on n1: the job's memory limit of 400 MiB was exceeded");
  EXPECT_EQ(end_of_task(marks + by_cgroup + end, 1201), "Killed on n1: the job's memory limit was exceeded");
  EXPECT_EQ(end_of_task(marks + by_accounting, 1201), "") << "it still runs";
}

TEST(SlurmTasks, OfTwoTasksWithOneProcessIdNothingIsKnown) {
  EXPECT_EQ(end_of_task("cohort-task 0 99 n1\ncohort-task 1 99 n2\nsrun: error: n1: task 0: Killed\n", 99), "");
}

TEST(SlurmTasks, ATaskPrintsItsMarkAndIsTheCommandThen) {
  cohort::batch::Command command{.words = marked_task({"sh", "-c", "echo \"$$ $0\"", "a b"})};
  command.environment = {{"SLURM_PROCID", "5"}, {"SLURMD_NODENAME", "n7"}};
  const std::string printed = cohort::batch::run(command);
  const std::string pid = printed.substr(14, printed.find(' ', 14) - 14);
  EXPECT_EQ(printed, "cohort-task 5 " + pid + " n7\n" + pid + " a b\n");
}

}  // namespace
}  // namespace cohort_slurm
