#include "job_queue.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace cohort::cli {
namespace {

Job job(std::size_t number) {
  Job made;
  made.number = number;
  return made;
}

TEST(JobQueue, AFailedJobGoesToAnotherWorkerWhileThereIsOne) {
  JobQueue queue({2, 3});
  queue.add(job(1));
  queue.add(job(2));
  queue.close();
  auto first = queue.take(2);
  first->failed_on.insert(2);
  queue.put_back(*first);
  EXPECT_EQ(queue.take(2)->number, 2u);  // not the one that it failed
  EXPECT_EQ(queue.take(3)->number, 1u);
}

TEST(JobQueue, TheLastWorkerTakesWhatItFailedBefore) {
  JobQueue queue({2, 3});
  queue.add(job(1));
  queue.close();
  auto first = queue.take(2);
  first->failed_on.insert(2);
  queue.put_back(*first);
  queue.lose(3);
  EXPECT_EQ(queue.take(3), std::nullopt);
  EXPECT_EQ(queue.take(2)->number, 1u);
}

TEST(JobQueue, AWorkerWaitsForJobsThatMayComeBack) {
  JobQueue queue({2, 3});
  queue.add(job(1));
  queue.close();
  auto running = queue.take(2);
  std::optional<Job> taken;
  std::jthread other([&] { taken = queue.take(3); });
  running->failed_on.insert(2);
  queue.put_back(*running);
  other.join();
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->number, 1u);
  queue.finish();
  EXPECT_EQ(queue.take(2), std::nullopt);
}

TEST(JobQueue, StoppedItGivesNothingOut) {
  JobQueue queue({2});
  queue.add(job(1));
  queue.stop();
  EXPECT_EQ(queue.take(2), std::nullopt);
}

}  // namespace
}  // namespace cohort::cli
