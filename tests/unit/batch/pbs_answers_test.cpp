// What the commands of OpenPBS and Torque print, and those of Slurm's package for users of Torque.

#include "pbs/pbs_answers.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include <gtest/gtest.h>

namespace cohort_pbs {
namespace {

using namespace std::chrono_literals;
using cohort::batch::JobId;
using cohort::batch::JobState;

TEST(PbsAnswers, TheIdsOfWhatWasSubmitted) {
  EXPECT_EQ(parse_submitted("4711.pbs01\n", 1), std::vector<JobId>{"4711.pbs01"});
  EXPECT_EQ(parse_submitted("5\n", 1), std::vector<JobId>{"5"}) << "Slurm's";
  EXPECT_EQ(parse_submitted("note: 3 hours left\n12[].pbs01\n", 2), (std::vector<JobId>{"12[1].pbs01", "12[2].pbs01"}));
  EXPECT_TRUE(parse_submitted("12.pbs01\n", 2).empty()) << "no array";
  for (const char* none : {"", "qsub: Unknown queue\n", "2 jobs are yours"})
    EXPECT_TRUE(parse_submitted(none, 1).empty());
}

TEST(PbsAnswers, JobsOfOpenPbs) {
  std::string text = R"(Job Id: 101.pbs01
    Job_Name = cohort-0123456789
    Job_Owner = alice
    job_state = Q
    queue = workq
    comment = Not Running: Insufficient amount of resource: ncpus (R: 64 A: 16@
	T: 32)
    Resource_List.walltime = 01:00:00
    Variable_List = PBS_O_SHELL=/bin/sh,PBS_O_LANG=C,
	PBS_O_HOST=login1

Job Id: 102[3].pbs01
    Job_Name = cohort-0123456789
    job_state = R
    exec_host = cn02/0*16+cn03/0*16
    Resource_List.walltime = 02:00:00
    stime = Tue May  7 09:31:21 2019
    comment = Job run at Tue May 07 at 09:31 on (cn02:ncpus=16)

Job Id: 103.pbs01
    job_state = F
    exec_host = gc-prd-hpcn001/0
    stime = Wed Jun 24 15:33:19 2020
    obittime = Wed Jun 24 15:34:19 2020
    substate = 93
    comment = Job run at Wed Jun 24 at 15:33 on (gc-prd-hpcn001:ncpus=1) and fa
	iled
    Exit_status = 2

Job Id: 104.pbs01
    job_state = F
    substate = 93
    comment = Job run at Wed Jun 24 at 15:33 on (n1:ncpus=1) and failed
    Exit_status = -29

Job Id: 105.pbs01
    job_state = F
    substate = 91
    comment = Job run at Wed Jun 24 at 15:33 on (n1:ncpus=1) and terminated by@
	alice on login1
    Exit_status = 271

Job Id: 106.pbs01
    job_state = F
    substate = 92
    comment = Job run at Wed Jun 24 at 15:33 on (n1:ncpus=1) and finished
    Exit_status = 0

Job Id: 107.pbs01
    job_state = F
    substate = 91

Job Id: 108.pbs01
    job_state = F
    Exit_status = -11
)";
  std::ranges::replace(text, '@', ' ');  // where a line ends with a blank
  const auto jobs = parse_full(text);
  ASSERT_EQ(jobs.size(), 8u);
  EXPECT_EQ(text_of(jobs.at("101.pbs01")),
            "queued (Not Running: Insufficient amount of resource: ncpus (R: 64 A: 16 T: 32))");
  const auto& running = jobs.at("102[3].pbs01");
  EXPECT_EQ(text_of(running), "active");
  EXPECT_EQ(running.host, "cn02");
  EXPECT_EQ(*running.end - *running.start, 2h);
  EXPECT_EQ(text_of(jobs.at("103.pbs01")), "failed, exit code 2");
  EXPECT_EQ(*jobs.at("103.pbs01").end - *jobs.at("103.pbs01").start, 1min);
  EXPECT_EQ(text_of(jobs.at("104.pbs01")), "failed (over its walltime)");
  EXPECT_EQ(text_of(jobs.at("105.pbs01")), "cancelled (terminated by alice on login1), signal 15");
  EXPECT_EQ(jobs.at("106.pbs01").state, JobState::completed);
  EXPECT_EQ(jobs.at("107.pbs01").state, JobState::cancelled) << "before it ran";
  EXPECT_EQ(text_of(jobs.at("108.pbs01")), "failed") << "the walltime of Torque, and another thing here";
}

TEST(PbsAnswers, JobsOfTorque) {
  const auto jobs = parse_full(R"(Job Id: 48[1].torque01
    job_state = C
    comment = Job 48[].torque01 deleted because its dependency of array 43[].t
	orque01 can never be satisfied
    exit_status = 271

Job Id: 49.torque01
    job_state = C
    start_time = Tue May 29 18:27:33 2018
    comp_time = Tue May 29 18:28:33 2018
    exit_status = 271

Job Id: 50.torque01
    job_state = C
    exit_status = -11

Job Id: 51.torque01
    job_state = H
    Hold_Types = u
)");
  EXPECT_EQ(jobs.at("48[1].torque01").state, JobState::cancelled);
  EXPECT_EQ(text_of(jobs.at("49.torque01")), "failed, signal 15") << "by qdel or by its walltime: it does not say";
  EXPECT_EQ(*jobs.at("49.torque01").end - *jobs.at("49.torque01").start, 1min);
  EXPECT_EQ(text_of(jobs.at("50.torque01")), "failed (over its walltime)");
  EXPECT_EQ(text_of(jobs.at("51.torque01")), "queued (hold)");
}

// It tells no exit code.
TEST(PbsAnswers, JobsOfSlurmsQstat) {
  const auto jobs = parse_full(
      "Job Id:\t2\n\tJob_Name = cohort-0123456789\n\tJob_Owner = root@head\n\tjob_state = R\n\tqueue = all\n"
      "\tqtime = Mon Nov 30 14:15:38 2026\n\texec_host = n1/1\n\tResource_List.walltime = 01:00:00\n\n"
      "Job Id:\t3\n\tjob_state = C\n\n");
  EXPECT_EQ(jobs.at("2").state, JobState::active);
  EXPECT_EQ(jobs.at("2").host, "n1");
  EXPECT_EQ(jobs.at("3").state, JobState::unknown);
}

TEST(PbsAnswers, WhatIsNotUnderstoodIsUnknown) {
  EXPECT_TRUE(parse_full("").empty());
  EXPECT_TRUE(parse_full("    job_state = R\n").empty());
  EXPECT_EQ(parse_full("Job Id: 1\n    job_state = ?\n").at("1").state, JobState::unknown);
  EXPECT_EQ(parse_full("Job Id: 1\n").at("1").state, JobState::unknown);
}

}  // namespace
}  // namespace cohort_pbs
