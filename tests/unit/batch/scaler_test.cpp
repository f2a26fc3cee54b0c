#include "batch/scaler.hpp"

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace cohort::batch {
namespace {

using namespace std::chrono_literals;
using Job = Scaler::Job;
using Ids = std::vector<JobId>;

class ScalerTest : public testing::Test {
 protected:
  Scaler::Plan plan(const cohort::Demand& demand, const std::vector<Job>& jobs, int workers_of_job = 1) {
    now_ += 1s;
    return scaler_.plan(demand, jobs, workers_of_job, now_);
  }
  /// After so many plans with the same demand.
  Scaler::Plan plan_after(int seconds, const cohort::Demand& demand, const std::vector<Job>& jobs,
                          int workers_of_job = 1) {
    for (int i = 1; i < seconds; ++i) {
      const auto before = plan(demand, jobs, workers_of_job);
      EXPECT_EQ(before.submit, 0) << "after " << i << " s";
      EXPECT_EQ(before.cancel, Ids{}) << "after " << i << " s";
      EXPECT_EQ(before.leave, Ids{}) << "after " << i << " s";
    }
    return plan(demand, jobs, workers_of_job);
  }
  static cohort::Demand items(std::size_t count, cohort::Duration each) {
    return {.items = count, .work = static_cast<std::int64_t>(count) * each};
  }

  Scaler scaler_{{.least = 2, .most = 10, .idle = 20s}};
  cohort::Clock::time_point now_{};
};

const std::vector<Job> two_busy = {{.id = "1", .busy = true}, {.id = "2", .busy = true}};

TEST_F(ScalerTest, AsManyJobsAreSubmittedAsThereIsWorkForAfterAMoment) {
  const auto plan = plan_after(3, items(100, 10s), two_busy);
  EXPECT_EQ(plan.submit, 8) << plan.why;
  EXPECT_EQ(plan.why,
            "100 items of maps (16 min for one worker): 10 workers wanted, 2 there or coming (the most: option max)");
}

TEST_F(ScalerTest, FewItemsNeedFewWorkers) { EXPECT_EQ(plan_after(3, items(4, 10min), two_busy).submit, 2); }

TEST_F(ScalerTest, ShortWorkIsNotWorthAWorkerMore) {
  EXPECT_EQ(plan_after(10, items(10000, 1ms), two_busy).submit, 0);
  EXPECT_EQ(plan_after(3, items(10000, 2ms), two_busy).submit, 2) << "20 s of work";
}

TEST_F(ScalerTest, ShortPeaksOfWorkSubmitNothing) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(plan(items(100, 10s), two_busy).submit, 0);
    EXPECT_EQ(plan({}, two_busy).submit, 0);
  }
}

TEST_F(ScalerTest, JobsThatWaitOrStartAreCountedAsTheirWorkers) {
  EXPECT_EQ(plan_after(10, items(10, 10s),
                       {{.id = "1", .workers = 5, .queued = true}, {.id = "2", .workers = 5, .starting = true}})
                .submit,
            0);
}

TEST_F(ScalerTest, JobsOfSeveralWorkersStayBelowTheMost) {
  const std::vector<Job> one = {{.id = "1", .workers = 4, .busy = true}};
  EXPECT_EQ(plan_after(3, items(100, 10s), one, 4).submit, 1);
  const auto full = plan_after(5, items(100, 10s), {one[0], {.id = "2", .workers = 4, .busy = true}}, 4);
  EXPECT_EQ(full.submit, 0);
  EXPECT_NE(full.why.find("another job of 4 workers would be more than the option max allows"), std::string::npos)
      << full.why;
}

TEST_F(ScalerTest, WorkersThatLeaveCountAgainstTheMost) {
  std::vector<Job> jobs = two_busy;
  jobs.push_back({.id = "3", .workers = 7, .leaving = true});
  EXPECT_EQ(plan_after(3, items(100, 10s), jobs).submit, 1);
  jobs[2].workers = 8;
  const auto full = plan(items(100, 10s), jobs);
  EXPECT_EQ(full.submit, 0);
  EXPECT_NE(full.why.find("8 workers must have left first"), std::string::npos) << full.why;
}

TEST_F(ScalerTest, CallsThatWaitForAWorkerCountEach) {
  EXPECT_EQ(plan_after(3, {.callers = 3, .busy = {2, 3}}, two_busy).submit, 1);
}

TEST_F(ScalerTest, FewerThanTheLeastAreFilledUpWithoutWork) { EXPECT_EQ(plan_after(3, {}, {}).submit, 2); }

TEST_F(ScalerTest, AWorkerWithoutWorkLeavesWhenItHasHadNoneForLong) {
  const std::vector<Job> jobs = {{.id = "1"}, {.id = "2"}, {.id = "3"}, {.id = "4"}};
  EXPECT_EQ(plan_after(21, {}, jobs).leave, (Ids{"4", "3"})) << "the newest, and two stay";
}

TEST_F(ScalerTest, WorkInBetweenBeginsTheTimeAnew) {
  std::vector<Job> jobs = {{.id = "1"}, {.id = "2"}, {.id = "3"}};
  plan_after(15, {}, jobs);
  jobs[2].busy = true;
  plan({.busy = {4}}, jobs);
  jobs[2].busy = false;
  EXPECT_EQ(plan_after(20, {}, jobs).leave, Ids{});
  EXPECT_EQ(plan({}, jobs).leave, Ids{"3"});
}

TEST_F(ScalerTest, WhileTheLastItemsRunTheOthersLeave) {
  const std::vector<Job> jobs = {
      {.id = "1"}, {.id = "2", .busy = true}, {.id = "3"}, {.id = "4", .busy = true}, {.id = "5", .busy = true}};
  EXPECT_EQ(plan_after(21, {.items = 3, .work = 1h, .busy = {3, 5, 6}}, jobs).leave, (Ids{"3", "1"}));
}

TEST_F(ScalerTest, WhatWaitsInTheQueueIsCancelledFirstButNotWhatIsAboutToStart) {
  const std::vector<Job> jobs = {{.id = "1"},
                                 {.id = "2"},
                                 {.id = "3", .queued = true},
                                 {.id = "4", .queued = true, .starting = true},
                                 {.id = "5", .starting = true}};
  const auto plan = plan_after(21, {}, jobs);
  EXPECT_EQ(plan.cancel, Ids{"3"});
  EXPECT_EQ(plan.leave, (Ids{"2", "1"})) << "those that start are the two that stay";
}

// The same work, coming and going, must not submit and cancel in circles.
TEST_F(ScalerTest, WorkThatComesAndGoesLeavesTheJobsAsTheyAre) {
  std::vector<Job> jobs;
  for (int i = 1; i <= 10; ++i) jobs.push_back({.id = std::to_string(i)});
  for (int i = 0; i < 100; ++i) {
    for (auto& job : jobs) job.busy = i % 10 < 3;
    const auto plan = this->plan(i % 10 < 3 ? items(100, 10s) : cohort::Demand{}, jobs);
    EXPECT_TRUE(plan.submit == 0 && plan.cancel.empty() && plan.leave.empty()) << i << ' ' << plan.why;
  }
}

TEST_F(ScalerTest, JobsThatFailOneAfterTheOtherArePausedForLongerAndLonger) {
  for (const auto pause : {60s, 120s, 240s}) {
    EXPECT_TRUE(scaler_.may_submit(now_));
    for (int i = 0; i < (pause == 60s ? 3 : 1); ++i) scaler_.failed(now_);
    EXPECT_FALSE(scaler_.may_submit(now_));
    const auto paused = plan(items(100, 10s), two_busy);
    EXPECT_EQ(paused.submit, 0);
    EXPECT_NE(paused.why.find("no job is submitted for another "), std::string::npos) << paused.why;
    scaler_.failed(now_);  // one that was submitted before
    now_ += pause - 2s;
    EXPECT_FALSE(scaler_.may_submit(now_));
    now_ += 2s;
    EXPECT_EQ(plan(items(100, 10s), two_busy).submit, 8);
  }
  scaler_.succeeded();
  scaler_.failed(now_);
  scaler_.failed(now_);
  EXPECT_TRUE(scaler_.may_submit(now_)) << "not in a row with those before";
}

}  // namespace
}  // namespace cohort::batch
