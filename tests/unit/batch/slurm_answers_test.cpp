// What Slurm's commands print, recorded from Slurm 22.05.

#include "slurm/slurm_answers.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace cohort_slurm {
namespace {

using namespace std::chrono_literals;
using cohort::batch::JobState;
using cohort::batch::JobStatus;

TEST(SlurmAnswers, TheIdOfWhatWasSubmitted) {
  EXPECT_EQ(parse_submitted("4711\n"), "4711");
  EXPECT_EQ(parse_submitted("4711;cluster\n"), "4711");
  EXPECT_EQ(parse_submitted("Your project has 3 hours left.\n4711\n"), "4711") << "a site's wrapper";
  EXPECT_EQ(parse_submitted("Submitted batch job 4711\n"), "");
  EXPECT_EQ(parse_submitted(""), "");
}

TEST(SlurmAnswers, AJobThatWaits) {
  const auto jobs = parse_queue("4|PENDING|0|n/a|N/A|N/A|PartitionDown|\n");
  ASSERT_EQ(jobs.size(), 1u);
  const JobStatus& job = jobs.at("4");
  EXPECT_EQ(job.state, JobState::queued);
  EXPECT_EQ(job.reason, "PartitionDown");
  EXPECT_EQ(job.host, "");
  EXPECT_FALSE(job.exit_code || job.signal || job.start || job.end || job.ending);
  EXPECT_EQ(text_of(job), "queued (PartitionDown)");
}

TEST(SlurmAnswers, AJobThatRuns) {
  const auto jobs = parse_queue("2|RUNNING|0|n1|1796041870|1796045470|None|\n");
  const JobStatus& job = jobs.at("2");
  EXPECT_EQ(job.state, JobState::active);
  EXPECT_EQ(job.host, "n1");
  EXPECT_EQ(*job.end - *job.start, 1h);
  EXPECT_EQ(text_of(job), "active");
}

TEST(SlurmAnswers, JobsThatHaveEnded) {
  const auto jobs = parse_queue(
      "5|COMPLETED|0|n1|1796041870|1796041872|None|\n"
      "6|FAILED|768|n1|1796041870|1796041872|NonZeroExitCode|\n"
      "7|TIMEOUT|15|n2|1796041870|1796041932|TimeLimit|\n"
      "8|CANCELLED|15|n1|1796041870|1796041872|None|\n"
      "9|OUT_OF_MEMORY|0:125|n1|1796041870|1796041872|OutOfMemory|\n");
  EXPECT_EQ(text_of(jobs.at("5")), "completed (COMPLETED)");
  EXPECT_EQ(text_of(jobs.at("6")), "failed (FAILED, NonZeroExitCode), exit code 3");
  EXPECT_EQ(text_of(jobs.at("7")), "failed (TIMEOUT, TimeLimit), signal 15");
  EXPECT_EQ(jobs.at("8").state, JobState::cancelled);
  EXPECT_EQ(jobs.at("9").state, JobState::failed);
  EXPECT_EQ(jobs.at("9").signal, 125);
}

TEST(SlurmAnswers, WhatIsNotUnderstoodIsUnknown) {
  EXPECT_TRUE(parse_queue("").empty());
  EXPECT_TRUE(parse_queue("slurm_load_jobs error: Unable to contact slurm controller\n").empty());
  const auto jobs = parse_queue("1|A_STATE_OF_TOMORROW|x|n1|y|z||\n");
  EXPECT_EQ(jobs.at("1").state, JobState::unknown);
  EXPECT_EQ(jobs.at("1").word, "A_STATE_OF_TOMORROW");
}

TEST(SlurmAnswers, ItIsNotFinalWhileItEnds) {
  EXPECT_TRUE(parse_queue("2|COMPLETING|0|n1|1796041870|1796041880|TimeLimit|\n").at("2").ending);
}

TEST(SlurmAnswers, AJobThatIsTakenOffItsNodesForAnotherSaysSo) {
  EXPECT_EQ(parse_queue("6|COMPLETING|0|n1|1796041870|1796041880|None|1796041955|\n").at("6").reason, "Preempted");
  EXPECT_EQ(parse_queue("6|PENDING|0|n1|N/A|N/A|BeginTime|1796041955|\n").at("6").reason, "BeginTime");
  EXPECT_EQ(parse_queue("6|COMPLETING|0|n1|1796041870|1796041880|None|N/A|\n").at("6").reason, "");
}

TEST(SlurmAnswers, TimesInAllForms) {
  EXPECT_EQ(parse_time("59:58"), 59min + 58s);
  EXPECT_EQ(parse_time("1:00:00\n"), 1h);
  EXPECT_EQ(parse_time("2-12:30:15"), 60h + 30min + 15s);
  EXPECT_EQ(parse_time("1-06"), 30h);
  EXPECT_EQ(parse_time("90"), 90min);
  for (const char* none : {"UNLIMITED", "NOT_SET", "INVALID", "", "1:2:3:4"}) EXPECT_EQ(parse_time(none), std::nullopt);
}

TEST(SlurmAnswers, TimesAsSlurmReadsThem) {
  EXPECT_EQ(time_text(90min), "01:30:00");
  EXPECT_EQ(time_text(1500ms), "00:00:02") << "not less than was asked for";
  EXPECT_EQ(time_text(60h), "2-12:00:00");
  for (const auto time : {1s, 59s, 3599s, 86399s, 86400s, 1000000s}) EXPECT_EQ(parse_time(time_text(time)), time);
}

}  // namespace
}  // namespace cohort_slurm
