// What the commands of Grid Engine print, recorded from 8.1.9.

#include "sge/sge_answers.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace cohort_sge {
namespace {

using namespace std::chrono_literals;
using cohort::batch::JobId;
using cohort::batch::JobState;

TEST(SgeAnswers, TheIdsOfWhatWasSubmitted) {
  EXPECT_EQ(parse_submitted("4711\n"), std::vector<JobId>{"4711"});
  EXPECT_EQ(parse_submitted("Your project has 3 hours left.\n1.1-3:1\n"), (std::vector<JobId>{"1.1", "1.2", "1.3"}));
  for (const char* none : {"", "Unable to run job.\n", "1.3-1:1", "1.x-y:1", "1.1-9999999999:1"})
    EXPECT_TRUE(parse_submitted(none).empty()) << none;
}

TEST(SgeAnswers, JobsThatWaitAndRun) {
  const auto jobs = parse_queue(
      R"(job-ID  prior   name       user         state submit/start at     queue                          slots ja-task-ID
-----------------------------------------------------------------------------------------------------------------
      1 0.25000 cohort-012 root         r     11/30/2026 14:20:37 all.q@h1                           1 1
      5 0.26010 pe.sh      root         r     11/30/2026 14:20:38 all.q@h1                           3
      6 0.25000 rt         root         dr    11/30/2026 14:20:37 all.q@h1                           1
      1 0.25000 cohort-012 root         r     11/30/2026 14:20:37 all.q@h2                           1 2
      4 0.75000 pe.sh      root         qw    11/30/2026 14:20:37                                  100
      9 0.25000 noout      root         Eqw   11/30/2026 14:20:38                                    1
      7 0.00000 held       root         hqw   11/30/2026 14:20:37                                    1 4
)");
  ASSERT_EQ(jobs.size(), 7u);
  EXPECT_EQ(jobs.at("1.1").state, JobState::active);
  EXPECT_EQ(jobs.at("1.2").host, "h2");
  EXPECT_EQ(*jobs.at("5").start - *jobs.at("1.1").start, 1s);
  EXPECT_TRUE(jobs.at("6").ending);
  EXPECT_EQ(text_of(jobs.at("4")), "queued");
  EXPECT_FALSE(jobs.at("4").start.has_value());
  EXPECT_EQ(text_of(jobs.at("9")), "queued (error)");
  EXPECT_EQ(text_of(jobs.at("7.4")), "queued (hold)");
  EXPECT_TRUE(parse_queue("").empty());
  EXPECT_TRUE(parse_queue("error: commlib error: got select error (Connection refused)\n").empty());
}

TEST(SgeAnswers, WhyJobsWait) {
  const auto reasons = parse_reasons(R"(==============================================================
job_number:                 4
owner:                      root
parallel environment:  mpi range: 100
scheduling info:            queue instance "all.q@h1" dropped because it is full
                            cannot run in PE "mpi" because it only offers 8 slots
                            queue instance "all.q@h2" dropped because it is full
==============================================================
job_number:                 7
job_name:                   held
scheduling info:            Job is in hold state
==============================================================
job_number:                 9
error reason          1:      11/30/2026 14:20:39 [0:4821]: can't chdir to /nowhere: No such file or directory
scheduling info:            Job is in error state
)");
  EXPECT_EQ(reasons.at("4"), "cannot run in PE \"mpi\" because it only offers 8 slots");
  EXPECT_EQ(reasons.at("7"), "Job is in hold state");
  EXPECT_NE(reasons.at("9").find("can't chdir to /nowhere"), std::string::npos) << "it says more";
  EXPECT_TRUE(parse_reasons("Following jobs do not exist: \n2\n").empty());
}

std::string record(const std::string& job, const std::string& task, const std::string& rest) {
  return "==============================================================\nqname        all.q               \n"
         "hostname     h1                  \njobnumber    " +
         job + "                   \ntaskid       " + task +
         "                   \nstart_time   Mon Nov 30 14:20:37 2026\nend_time     Mon Nov 30 14:20:39 2026\n" + rest;
}

TEST(SgeAnswers, JobsThatHaveEnded) {
  const auto jobs =
      parse_accounting(record("1", "1", "failed       0    \nexit_status  0                   \ncategory     NONE\n") +
                       record("1", "2", "failed       0    \nexit_status  3                   \ncategory     NONE\n") +
                       record("6", "undefined",
                              "failed       100 : assumedly after job\nexit_status  137                  (Killed)\n"
                              "ru_wallclock 2s\nmaxvmem      3.363MB\ncategory     -l h_rt=2\n") +
                       record("7", "undefined",
                              "failed       100 : assumedly after job\nexit_status  137                  (Killed)\n"
                              "ru_wallclock 2s\nmaxvmem      99.8MB\ncategory     -l h_rt=3600,h_vmem=100M\n") +
                       record("8", "undefined",
                              "failed       100 : assumedly after job\nexit_status  137                  (Killed)\n"
                              "ru_wallclock 2s\nmaxvmem      3.363MB\ncategory     NONE\n") +
                       record("9", "undefined", "failed       26  : opening input/output file\nexit_status  0\n") +
                       record("10", "undefined",
                              "failed       37  : qmaster enforced h_rt, h_cpu, or h_vmem limit\nexit_status  137\n"));
  EXPECT_EQ(text_of(jobs.at("1.1")), "completed");
  EXPECT_EQ(jobs.at("1.1").host, "h1");
  EXPECT_EQ(*jobs.at("1.1").end - *jobs.at("1.1").start, 2s);
  EXPECT_EQ(text_of(jobs.at("1.2")), "failed, exit code 3");
  EXPECT_EQ(text_of(jobs.at("6")), "failed (100 : assumedly after job, ran for 2 s, and h_rt is 2), signal 9");
  EXPECT_EQ(text_of(jobs.at("7")), "failed (100 : assumedly after job, had 99.8MB, and h_vmem is 100M), signal 9");
  EXPECT_EQ(text_of(jobs.at("8")), "failed (100 : assumedly after job), signal 9");
  EXPECT_EQ(text_of(jobs.at("9")), "failed (26  : opening input/output file)");
  EXPECT_EQ(jobs.at("10").state, JobState::failed);
  EXPECT_TRUE(parse_accounting("error: job id 777 not found\n").empty());
}

TEST(SgeAnswers, TheLastRecordOfAJobIsThatOfTheJobItself) {
  const auto jobs = parse_accounting(record("5", "undefined", "failed       0\nexit_status  0\n") +
                                     record("5", "undefined", "failed       0\nexit_status  7\n"));
  EXPECT_EQ(jobs.at("5").exit_code, 7);
}

}  // namespace
}  // namespace cohort_sge
