// What becomes of a program whose jobs end before it does.

#include <filesystem>
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

class WalltimeTest : public testing::Test {
 protected:
  /// Sixty items of a tenth of a second, on two workers.
  ToolResult map(const std::string& options) {
    return run_script("$cohort run -m slurm -p 2 " + options + " " COHORT_BATCH_PROGRAM " map 60 100",
                      {.standard_input = "", .dir = files_.path()});
  }
  void expect_nothing_left() {
    EXPECT_TRUE(eventually([&] { return scheduler_.processes().empty(); })) << scheduler_.processes();
    EXPECT_TRUE(eventually([&] { return std::filesystem::is_empty(files_.path()); })) << "the job's files";
  }

  const FakeScheduler scheduler_{"slurm"};
  const TemporaryDirectory files_;
};

TEST_F(WalltimeTest, AnotherJobTakesThePlaceOfOneWhoseTimeIsNearlyOver) {
  const auto result = map("-o walltime=3s -o drain=1s -o respawn=true");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "all right, by ")) << result.out << result.err;
  EXPECT_FALSE(contains(result.out, "by 2 processes")) << result.out << result.err;
  EXPECT_TRUE(contains(result.err, "job 2 is to take the place of job 1, whose time is over in 2 s")) << result.err;
  EXPECT_FALSE(contains(result.err, "terminated")) << "the workers had finished: " << result.err;
  expect_nothing_left();
}

// The next job is submitted when the first one has ended: the map waits for its workers.
TEST_F(WalltimeTest, TheSignalBeforeTheEndLetsWorkersFinish) {
  const auto result = map(R"(-o walltime=9s -o respawn=true -o drain=1s -o 'flags=["--signal=USR1@8"]')");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "all right, by ")) << result.out << result.err;
  EXPECT_TRUE(contains(result.err, "got SIGUSR1, and leaves when it has finished")) << result.err;
  EXPECT_FALSE(contains(result.err, "terminated")) << "the workers had finished: " << result.err;
  expect_nothing_left();
}

TEST_F(WalltimeTest, AMapWhoseWorkersAreAllLostFailsWhenNoneCanCome) {
  const auto result = map(R"(-o walltime=9s -o drain=1s -o 'flags=["--signal=USR1@8"]')");
  EXPECT_NE(result.code, 0);
  EXPECT_TRUE(contains(result.err, "No active worker available in pool. The last of them: process ")) << result.err;
  EXPECT_TRUE(contains(result.err, " exited: ended by SIGUSR1")) << result.err;
  EXPECT_TRUE(contains(result.err, "job 1 has lost its workers: ")) << result.err;
  expect_nothing_left();
}

TEST_F(WalltimeTest, AMapThatEndsWithTheTimeOfItsJobSaysSo) {
  const auto result = map("-o walltime=3s -o drain=1s");
  EXPECT_NE(result.code, 0);
  EXPECT_TRUE(contains(result.err, " exited: walltime: the time of job 1 is over")) << result.err;
  expect_nothing_left();
}

TEST_F(WalltimeTest, WhatHasNotFinishedThenIsRemovedWithThatCause) {
  const auto result = run_script("$cohort run -m slurm -p 2 -o walltime=3s -o drain=1s " COHORT_BATCH_PROGRAM " lost",
                                 {.standard_input = "", .dir = files_.path()});
  EXPECT_TRUE(contains(result.out, "walltime: the time of job 1 is over")) << result.out << result.err;
  expect_nothing_left();
}

TEST_F(WalltimeTest, ALongDrainSubmitsNoJobAfterTheOther) {
  const auto result = map("-o walltime=10m -o drain=9m -o respawn=true");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  expect_nothing_left();
}

// They may start again before anybody has seen why they were lost.
TEST_F(WalltimeTest, JobsThatAreQueuedAgainAtOnceAreJoinedAgain) {
  const auto result =
      run_script("$cohort run -m slurm -p 4 -o jobs=each " COHORT_BATCH_PROGRAM
                 " back > out 2> err & "
                 "until grep -q ready out; do sleep 0.02; done; $cohort fake-scheduler control host-down n1; "
                 "$cohort fake-scheduler control host-down n2; $cohort fake-scheduler control host-up n1; "
                 "$cohort fake-scheduler control host-up n2; wait; cat out; cat err >&2; rm out err",
                 {.standard_input = "", .dir = files_.path()});
  EXPECT_TRUE(contains(result.out, "lost\nback: 4\n")) << result.out << result.err;
  expect_nothing_left();
}

TEST_F(WalltimeTest, AProgramBeginsWithTheFewestWorkersThatAreEnough) {
  const auto result = run_script("$cohort run -m slurm -p 6 --min 2 -o jobs=each " COHORT_BATCH_PROGRAM,
                                 {.standard_input = "", .dir = files_.path()});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(result.out.starts_with("workers ")) << result.out << result.err;
  EXPECT_FALSE(result.out.starts_with("workers 6 ")) << "there is room for four: " << result.out;
  expect_nothing_left();
}

}  // namespace
}  // namespace cohort::test
