// What there is for workers to do.

#include <atomic>
#include <vector>

#include <cohort/demand.hpp>

#include "memory_test.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

std::atomic<bool> go_on;

void wait_to_go_on() {
  eventually([] { return go_on.load(); });
}

TEST(MemoryDemand, AMapIsItsItemsWithoutAResult) {
  TestCluster cluster(2);
  EXPECT_EQ(demand().items, 0u);
  go_on = false;
  Demand seen;
  const auto map = async([] {
    pmap(
        [](int x) {
          if (x >= 10) wait_to_go_on();
          return x;
        },
        range(0, 99), {.batch_size = 1});
  });
  EXPECT_TRUE(eventually([&] { return (seen = demand()).items == 90; })) << seen.items;
  EXPECT_EQ(seen.busy, (std::vector<Pid>{2, 3}));
  EXPECT_GT(seen.work, Duration::zero());
  EXPECT_LT(seen.work, 90 * 1s) << "the others were short";
  go_on = true;
  map.fetch();
  seen = demand();
  EXPECT_EQ(seen.items, 0u);
  EXPECT_EQ(seen.work, Duration::zero());
  EXPECT_TRUE(eventually([] { return demand().busy.empty(); }));
}

TEST(MemoryDemand, ItemsWithoutAResultTakeAsLongAsTheirMapHasRun) {
  TestCluster cluster(1);
  go_on = false;
  const auto map = async([] { pmap([](int) { wait_to_go_on(); }, range(1, 10), {.batch_size = 1}); });
  EXPECT_TRUE(eventually([] { return demand().items == 10; }));
  const auto before = demand().work;
  EXPECT_TRUE(eventually([&] { return demand().work > before + 10 * 20ms; }));
  go_on = true;
  map.fetch();
}

TEST(MemoryDemand, AMapOverWorkersOfItsOwnDoesNotCount) {
  TestCluster cluster(2);
  go_on = false;
  const auto map = async([] { pmap([](int) { wait_to_go_on(); }, range(1, 10), {.pool = WorkerPool({2})}); });
  EXPECT_TRUE(eventually([] { return demand().busy == std::vector<Pid>{2}; }));
  EXPECT_EQ(demand().items, 0u);
  go_on = true;
  map.fetch();
}

TEST(MemoryDemand, CallsThatWaitForAFreeWorkerAreCounted) {
  TestCluster cluster(1);
  const auto pool = default_worker_pool();
  const Pid taken = pool.take();
  const auto waits = async([pool] { return pool.take(); });
  EXPECT_TRUE(eventually([] { return demand().callers == 1; }));
  pool.put(taken);
  EXPECT_EQ(waits.fetch(), taken);
  EXPECT_EQ(demand().callers, 0u);
  pool.put(taken);
}

}  // namespace
}  // namespace cohort::test
