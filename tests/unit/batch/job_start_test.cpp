#include "batch/job_start.hpp"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

namespace cohort::batch {
namespace {

using namespace std::chrono_literals;

class JobStartTest : public testing::Test {
 protected:
  std::string why_after(cohort::Duration time, const JobStatus& status, int arrived = 0,
                        const std::string& problem = "") {
    now_ += time;
    start_.look(status, problem, arrived, now_);
    return start_.why_to_give_up(status, problem, limits_, now_);
  }

  static inline const JobStatus unknown, queued{.state = JobState::queued, .reason = "Priority"},
      active{.state = JobState::active, .host = "n1"};
  JobStart::Limits limits_{.queue = 1h, .launch = 30s};
  cohort::Clock::time_point now_{};
  JobStart start_{now_};
};

TEST_F(JobStartTest, TheTimeInTheQueueIsNotThatOfTheStart) {
  EXPECT_EQ(why_after(59min, queued), "");
  EXPECT_EQ(why_after(59s, active), "");
  EXPECT_EQ(why_after(29s, active), "");
  EXPECT_EQ(why_after(1s, active), "has been running on n1 for 30 s (option launch)");
}

TEST_F(JobStartTest, OneThatIsQueuedForTooLongSaysWhy) {
  EXPECT_EQ(start_.limit(limits_), now_ + 1h);
  EXPECT_EQ(why_after(1h, queued), "is still queued (Priority) after 60 min (option queue)");
  EXPECT_EQ(why_after(1h, unknown, 0, "squeue is away"),
            "is still unknown: squeue is away after 60 min (option queue)");
}

TEST_F(JobStartTest, AWorkerCountsMoreThanASchedulerThatIsLate) {
  why_after(1s, queued, 1);
  EXPECT_EQ(start_.began(), now_);
  why_after(10s, queued, 1);
  EXPECT_EQ(start_.began(), now_ - 10s);
  why_after(1s, queued, 0);
  EXPECT_FALSE(start_.began()) << "it was queued again";
}

TEST_F(JobStartTest, OneThatTheSchedulerDoesNotKnowIsGivenUpSoonerIfItHasKnownIt) {
  EXPECT_EQ(why_after(1s, unknown), "");
  EXPECT_EQ(why_after(60s, unknown), "");
  EXPECT_EQ(why_after(1s, unknown), "is not known to the scheduler");
  EXPECT_EQ(why_after(1s, queued), "");
  EXPECT_EQ(why_after(1s, unknown), "");
  EXPECT_EQ(why_after(15s, unknown), "");
  EXPECT_EQ(why_after(1s, unknown), "is not known to the scheduler any more");
}

TEST_F(JobStartTest, ASchedulerThatDoesNotAnswerHasNotForgottenIt) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(why_after(10s, unknown, 0, "squeue is away"), "");
}

TEST_F(JobStartTest, OneThatHasNoLimitsWaits) {
  limits_ = {.queue = cohort::never, .launch = cohort::never};
  EXPECT_EQ(why_after(10000h, queued), "");
  EXPECT_EQ(why_after(10000h, active), "");
}

}  // namespace
}  // namespace cohort::batch
