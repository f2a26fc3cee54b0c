#include "batch/job_watch.hpp"

#include <atomic>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include <cohort/error.hpp>

namespace cohort::batch {
namespace {

using namespace std::chrono_literals;
using cohort::Clock;

class CountingDriver final : public QueueDriver {
 public:
  const Dialect& dialect() const override { return dialect_; }
  std::string describe(const JobRequest&) const override { return ""; }
  std::vector<JobId> submit(const JobRequest&) override { return {"1"}; }
  std::map<JobId, JobStatus> status(const std::vector<JobId>& jobs) override {
    queries++;
    asked = jobs.size();
    if (fails) throw cohort::Error("busy");
    std::map<JobId, JobStatus> all;
    for (const auto& job : jobs) all[job].state = JobState::queued;
    return all;
  }
  void cancel(const std::vector<JobId>&) override {}
  void signal_worker(const JobId&, std::string_view, int, int) override {}
  std::string end_of_worker(std::string_view, int) const override { return ""; }
  std::optional<cohort::Duration> remaining(const JobId&) override { return std::nullopt; }

  std::atomic<int> queries{0};
  std::atomic<std::size_t> asked{0};
  std::atomic<bool> fails{false};

 private:
  const Dialect dialect_;
};

TEST(JobWatch, OneQueryIsForAllJobs) {
  CountingDriver driver;
  JobWatch watch(driver, 10s, 1min);
  for (int i = 0; i < 100; i++) watch.add(std::to_string(i));
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < 100; i++) EXPECT_EQ(watch.status(std::to_string(i)).state, JobState::queued);
  EXPECT_EQ(driver.queries, 1);
  EXPECT_EQ(driver.asked, 100u);
}

TEST(JobWatch, WhoAsksForNewsAtOnceSharesAQuery) {
  CountingDriver driver;
  JobWatch watch(driver, 300ms, 1min);
  watch.add("1");
  watch.status("1");
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 20; i++) threads.emplace_back([&] { watch.fresh_status("1"); });
  }
  EXPECT_LE(driver.queries, 4) << "20 would take 6 seconds";
}

TEST(JobWatch, PausesGrowWhileNothingChangesOrQueriesFail) {
  CountingDriver driver;
  JobWatch watch(driver, 10ms, 1h);
  watch.add("1");
  const auto ask_until = [&](Clock::time_point end) {
    while (Clock::now() < end) {
      watch.status("1");
      std::this_thread::sleep_for(1ms);
    }
  };
  ask_until(Clock::now() + 300ms);
  EXPECT_LE(driver.queries, 12) << "30 without growing pauses";
  EXPECT_GE(driver.queries, 2);
  driver.fails = true;
  watch.fresh_status("1");
  EXPECT_EQ(watch.problem(), "busy");
  EXPECT_EQ(watch.status("1").state, JobState::queued) << "the last that is known";
}

}  // namespace
}  // namespace cohort::batch
