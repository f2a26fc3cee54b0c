// What the commands of LSF print.

#include "lsf/lsf_answers.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace cohort_lsf {
namespace {

using namespace std::chrono_literals;
using cohort::batch::JobId;
using cohort::batch::JobState;

TEST(LsfAnswers, TheIdsOfWhatWasSubmitted) {
  EXPECT_EQ(parse_submitted("Job <4711> is submitted to default queue <normal>.\n", 1), std::vector<JobId>{"4711"});
  EXPECT_EQ(parse_submitted("Memory reservation is (MB): 2048\nJob <12> is submitted to queue <long>.\n", 2),
            (std::vector<JobId>{"12[1]", "12[2]"}));
  for (const char* none : {"", "Job not submitted.\n", "Job <x> is"}) EXPECT_TRUE(parse_submitted(none, 1).empty());
}

TEST(LsfAnswers, JobsInAllStates) {
  const auto jobs = parse_queue(
      "1|0|PEND|-|-|-|New job is waiting for scheduling;\n"
      "2|0|RUN|-|node7|-|-\n"
      "3|1|DONE|-|node7|-|-\n"
      "3|2|EXIT|3|node8|-|-\n"
      "4|0|EXIT|137|node8|TERM_MEMLIMIT: job killed after reaching LSF memory usage limit|-\n"
      "5|0|EXIT|140|4*node8|TERM_RUNLIMIT: job killed after reaching LSF run time limit|-\n"
      "6|0|EXIT|130|node8|TERM_OWNER: job killed by owner|-\n"
      "7|0|EXIT|143|node8|TERM_PREEMPT: job killed after preemption|-\n"
      "8|0|UNKWN|-|node9|-|-\n"
      "Job <9> is not found\n");
  ASSERT_EQ(jobs.size(), 9u);
  EXPECT_EQ(text_of(jobs.at("1")), "queued (New job is waiting for scheduling;)");
  EXPECT_EQ(jobs.at("2").state, JobState::active);
  EXPECT_EQ(jobs.at("2").host, "node7");
  EXPECT_EQ(text_of(jobs.at("3[1]")), "completed (DONE)");
  EXPECT_EQ(text_of(jobs.at("3[2]")), "failed (EXIT), exit code 3");
  EXPECT_EQ(text_of(jobs.at("4")),
            "failed (EXIT, TERM_MEMLIMIT: job killed after reaching LSF memory usage limit), signal 9");
  EXPECT_EQ(jobs.at("5").host, "node8");
  EXPECT_EQ(text_of(jobs.at("6")), "cancelled (EXIT, TERM_OWNER: job killed by owner), signal 2");
  EXPECT_EQ(jobs.at("7").state, JobState::failed);
  EXPECT_EQ(text_of(jobs.at("8")), "active (its host does not answer)");
  EXPECT_TRUE(parse_queue("").empty());
}

TEST(LsfAnswers, TheTimeThatIsLeft) {
  EXPECT_EQ(parse_time_left("1:30 L\n"), 90min);
  EXPECT_EQ(parse_time_left("0:5 E\n"), 5min);
  for (const char* none : {"-\n", "", "x:y L"}) EXPECT_EQ(parse_time_left(none), std::nullopt);
}

}  // namespace
}  // namespace cohort_lsf
