// The idiom of Python's multiprocessing.Pool.

#include <map>
#include <tuple>

#include "cluster_test.hpp"

namespace cohort::test {
namespace {

using PoolTest = ClusterTest;
int square(int x) { return x * x; }
double area(double width, double height) { return width * height; }

TEST_F(PoolTest, ItOwnsItsProcesses) {
  {
    Pool pool(2);
    EXPECT_EQ(workers(), (std::vector<Pid>{2, 3}));
    EXPECT_EQ(pool.map(fn<square>, std::vector<int>{1, 2, 3}), (std::vector<int>{1, 4, 9}));
  }
  EXPECT_EQ(nprocs(), 1);
  addprocs(1);
  {
    Pool existing;
    EXPECT_EQ(existing.apply([] { return myid(); }), 4);
  }
  EXPECT_EQ(workers(), std::vector<Pid>{4});
}

TEST_F(PoolTest, ItMapsInEveryManner) {
  Pool pool(2);
  EXPECT_EQ(pool.map(fn<square>, range(1, 5), 2), (std::vector<int>{1, 4, 9, 16, 25}));
  const std::vector<std::tuple<double, double>> sizes{{1, 2}, {3, 4}};
  EXPECT_EQ(pool.starmap(fn<area>, sizes), (std::vector<double>{2, 12}));
  EXPECT_EQ(pool.starmap(&area, std::map<double, double>{{2, 5}}), std::vector<double>{10});
  auto later = pool.map_async(fn<square>, std::vector<int>{5, 6});
  EXPECT_EQ(later.fetch(), (std::vector<int>{25, 36}));
  EXPECT_EQ(pool.apply(fn<area>, 2, 3), 6);
  EXPECT_EQ(pool.apply_async(fn<area>, 2.0, 4.0).fetch(), 8);
  int sum = 0;
  for (auto& [index, result] : pool.imap_unordered(fn<square>, range(1, 3))) sum += result;
  EXPECT_EQ(sum, 14);
  auto failing = pool.map_async([](int) { throw std::runtime_error("no"); }, range(1, 3));
  EXPECT_THROW(failing.fetch(), RemoteException);
}

}  // namespace
}  // namespace cohort::test
