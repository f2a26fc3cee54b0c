// What the commands of HTCondor print.

#include "htcondor/htcondor_answers.hpp"

#include <chrono>

#include <gtest/gtest.h>
#include <cohort/error.hpp>

namespace cohort_htcondor {
namespace {

using namespace std::chrono_literals;
using cohort::batch::JobId;
using cohort::batch::JobState;

TEST(HtcondorAnswers, TheIdsOfWhatWasSubmitted) {
  EXPECT_EQ(parse_submitted("4711.0 - 4711.0\n"), std::vector<JobId>{"4711.0"});
  EXPECT_EQ(parse_submitted("7.0 - 7.2\n"), (std::vector<JobId>{"7.0", "7.1", "7.2"}));
  for (const char* none : {"", "ERROR: no queue\n", "7.0 - 8.2", "7.2 - 7.0"})
    EXPECT_TRUE(parse_submitted(none).empty());
}

TEST(HtcondorAnswers, JobsInAllStates) {
  const auto jobs = parse_jobs(R"json([
{ "ClusterId": 7, "ProcId": 0, "JobStatus": 1 },
{ "ClusterId": 7, "ProcId": 1, "JobStatus": 2, "RemoteHost": "slot1_3@node7.cluster", "JobCurrentStartDate": 1796041870,
  "AllowedExecuteDuration": 3600 },
{ "ClusterId": 7, "ProcId": 2, "JobStatus": 4, "ExitBySignal": false, "ExitCode": 0, "LastRemoteHost": "slot1@node8" },
{ "ClusterId": 7, "ProcId": 3, "JobStatus": 4, "ExitBySignal": false, "ExitCode": 3 },
{ "ClusterId": 7, "ProcId": 4, "JobStatus": 4, "ExitBySignal": true, "ExitSignal": 9 },
{ "ClusterId": 7, "ProcId": 5, "JobStatus": 3, "RemoveReason": "via condor_rm (by user alice)" },
{ "ClusterId": 7, "ProcId": 6, "JobStatus": 5, "JobCurrentStartDate": 1796041870,
  "HoldReason": "Error from slot1_1@node7: Job has gone over cgroup memory limit of 128 megabytes." },
{ "ClusterId": 7, "ProcId": 7, "JobStatus": 5, "HoldReason": "submitted on hold at user's request" },
{ "ClusterId": 7, "ProcId": 8, "JobStatus": 3, "RemoveReason": "The job attribute PeriodicRemove expression 'x' evaluated to TRUE" }
])json");
  ASSERT_EQ(jobs.size(), 9u);
  EXPECT_EQ(text_of(jobs.at("7.0")), "queued");
  EXPECT_EQ(jobs.at("7.1").host, "node7.cluster");
  EXPECT_EQ(*jobs.at("7.1").end - *jobs.at("7.1").start, 1h);
  EXPECT_EQ(text_of(jobs.at("7.2")), "completed (Completed)");
  EXPECT_EQ(jobs.at("7.2").host, "node8");
  EXPECT_EQ(text_of(jobs.at("7.3")), "failed (Completed), exit code 3");
  EXPECT_EQ(text_of(jobs.at("7.4")), "failed (Completed), signal 9");
  EXPECT_EQ(text_of(jobs.at("7.5")), "cancelled (Removed, via condor_rm (by user alice))");
  EXPECT_EQ(text_of(jobs.at("7.6")),
            "failed (Held, Error from slot1_1@node7: Job has gone over cgroup memory limit of 128 megabytes.)");
  EXPECT_EQ(text_of(jobs.at("7.7")), "queued (submitted on hold at user's request)");
  EXPECT_EQ(jobs.at("7.8").state, JobState::failed);
}

TEST(HtcondorAnswers, WhatIsNoAnswerSaysNothing) {
  for (const char* text : {"", "[]", "{}", "[1, {\"ClusterId\": \"x\"}]", "-- Failed to fetch ads", "[{"})
    EXPECT_TRUE(parse_jobs(text).empty()) << text;
}

TEST(HtcondorAnswers, AnArgumentStandsForItself) {
  EXPECT_EQ(argument("a b"), "'a b'");
  EXPECT_EQ(argument("it's \"x\" $(Process)"), "'it''s \"\"x\"\" $(DOLLAR)(Process)'");
  EXPECT_THROW(argument("two\nlines"), cohort::ConfigError);
}

}  // namespace
}  // namespace cohort_htcondor
