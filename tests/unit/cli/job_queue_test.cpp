#include "job_queue.hpp"

#include <gtest/gtest.h>

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

TEST(JobQueue, ItIsNotFinishedWhileAJobMayComeBack) {
  JobQueue queue({2, 3});
  queue.add(job(1));
  queue.close();
  auto running = queue.take(2);
  EXPECT_EQ(queue.take(3), std::nullopt);
  EXPECT_FALSE(queue.finished());
  running->failed_on.insert(2);
  queue.put_back(*running);
  EXPECT_FALSE(queue.finished());
  const auto taken = queue.take(3);
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->number, 1u);
  queue.finish();
  EXPECT_TRUE(queue.finished());
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
