// What tutorials of Julia's Distributed, of Python's multiprocessing and of R's parallel show, in C++.

#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <tuple>
#include <vector>

#include "cluster_test.hpp"

namespace cohort::test {
namespace {

using TutorialsTest = ClusterTest;
using Matrix = std::vector<std::vector<double>>;

Matrix random_matrix(std::size_t n) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> entry;
  Matrix matrix(n, std::vector<double>(n));
  for (auto& row : matrix) {
    for (double& x : row) x = entry(random);
  }
  return matrix;
}
Matrix product(const Matrix& a, const Matrix& b) {
  Matrix c(a.size(), std::vector<double>(b.front().size()));
  for (std::size_t i = 0; i < a.size(); i++) {
    for (std::size_t k = 0; k < b.size(); k++) {
      for (std::size_t j = 0; j < c[i].size(); j++) c[i][j] += a[i][k] * b[k][j];
    }
  }
  return c;
}
Matrix product_of_squares(const Matrix& a, const Matrix& b) { return product(product(a, a), product(b, b)); }

// Returns once every worker runs it: they work at the same time.
Pid meet(const RemoteChannel<Pid>& arrivals, const Future<void>& all_here) {
  arrivals.put(myid());
  all_here.wait();
  return myid();
}

TEST_F(TutorialsTest, AsyncInsideOfSyncStartsAllWorkersAtOnce) {
  const auto pids = addprocs(2);
  RemoteChannel<Pid> arrivals(unlimited);
  Future<void> all_here(myid());
  std::vector<Pid> a(pids.size());
  sync([&] {
    for (std::size_t i = 0; i < pids.size(); i++) {
      async([&, i] { a[i] = remotecall_fetch(fn<meet>, pids[i], arrivals, all_here); });
    }
    for (std::size_t i = 0; i < pids.size(); i++) arrivals.take();
    all_here.put();
  });
  EXPECT_EQ(a, pids);
}

TEST_F(TutorialsTest, WithoutSyncTheLoopGoesOnAndTheResultsComeLater) {
  const auto pids = addprocs(2);
  Future<void> gate(myid());
  std::vector<Future<Pid>> results;
  for (Pid pid : pids) {
    results.push_back(async([gate, pid] {
      return remotecall_fetch(
          [](const Future<void>& go) {
            go.wait();
            return myid();
          },
          pid, gate);
    }));
  }
  for (const auto& result : results) EXPECT_FALSE(result.is_ready());
  gate.put();
  for (std::size_t i = 0; i < pids.size(); i++) EXPECT_EQ(results[i].fetch(), pids[i]);
}

TEST_F(TutorialsTest, SpawnatComputesThereAndAnyWorkerWillDo) {
  addprocs(2);
  auto result = spawnat(
      2, [](int a, int b) { return a + b; }, 2, 5);
  EXPECT_EQ(result.fetch(), 7);
  EXPECT_EQ(spawnat(any, [] { return 3 + 3; }).fetch(), 6);
  EXPECT_EQ(fetchfrom(3, [] { return myid(); }), 3);
}

TEST_F(TutorialsTest, AVariableOfAWorkerIsSetByName) {
  addprocs(1);
  set_value("a", 2);
  EXPECT_EQ(remotecall_fetch([] { return *value<int>("a"); }, 2), 2);
}

TEST_F(TutorialsTest, DataIsMovedOrMadeWhereItIsNeeded) {
  addprocs(1);
  const Matrix a = random_matrix(40), b = random_matrix(40);
  const Matrix moved = remotecall_fetch(fn<product_of_squares>, 2, a, b);
  const Matrix made_there =
      remotecall_fetch([] { return product_of_squares(random_matrix(40), random_matrix(40)); }, 2);
  EXPECT_EQ(moved, made_there);
}

TEST_F(TutorialsTest, MapsTakeOneOrSeveralRanges) {
  addprocs(3);
  const auto roots = pmap([](int x) { return std::sqrt(x); }, range(1, 10));
  ASSERT_EQ(roots.size(), 10u);
  EXPECT_DOUBLE_EQ(roots[8], 3);
  const auto dots = pmap([](int x, int y) { return x * y; }, range(1, 10), range(11, 20));
  EXPECT_EQ(std::accumulate(dots.begin(), dots.end(), 0), 935);
  const auto traces = pmap([](std::size_t n) { return random_matrix(n)[0][0]; }, std::vector<std::size_t>{1, 2, 3});
  EXPECT_EQ(traces.size(), 3u);
}

TEST_F(TutorialsTest, ALoopIsReducedAndItsHalvesAreContiguous) {
  addprocs(2);
  const Matrix columns = random_matrix(10);
  const double together = distributed_reduce(
      std::multiplies<>{}, range(std::size_t{0}, std::size_t{9}),
      capture(columns, [](const Matrix& c, std::size_t i) { return std::accumulate(c[i].begin(), c[i].end(), 0.0); }));
  double alone = 1;
  for (const auto& column : columns) alone *= std::accumulate(column.begin(), column.end(), 0.0);
  EXPECT_NEAR(together, alone, 1e-9 * alone);

  RemoteChannel<std::pair<int, Pid>> who(unlimited);
  distributed_for(range(1, 12), capture(who,
                                        [](const RemoteChannel<std::pair<int, Pid>>& channel, int job) {
                                          channel.put({job, myid()});
                                        }))
      .wait();
  std::vector<Pid> worker_of(13);
  for (int i = 0; i < 12; i++) {
    const auto [job, pid] = who.take();
    worker_of[static_cast<std::size_t>(job)] = pid;
  }
  EXPECT_EQ(std::vector<Pid>(worker_of.begin() + 1, worker_of.end()),
            (std::vector<Pid>{2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3}));
}

TEST_F(TutorialsTest, ALoopDoesNotChangeWhatTheMasterHas) {
  addprocs(2);
  std::vector<int> a(10);
  std::iota(a.begin(), a.end(), 1);
  distributed_for(range(0, 9), capture(a, [](std::vector<int> copy, int i) { copy[static_cast<std::size_t>(i)]++; }))
      .wait();
  EXPECT_EQ(std::accumulate(a.begin(), a.end(), 0), 55);
}

TEST_F(TutorialsTest, APoolMapsNowOrInTheBackground) {
  const Pool pool(2);
  const auto cube = [](int x) { return x * x * x; };
  const auto times = [](int x, int y) { return x * y; };
  std::vector<std::tuple<int, int>> pairs, tens;
  for (int i = 1; i <= 6; i++) {
    pairs.emplace_back(i, i);
    tens.emplace_back(i, 10);
  }
  EXPECT_EQ(pool.map(cube, range(1, 6)), (std::vector<int>{1, 8, 27, 64, 125, 216}));
  EXPECT_EQ(pool.starmap(times, pairs), (std::vector<int>{1, 4, 9, 16, 25, 36}));
  EXPECT_EQ(pool.starmap(times, tens, 3), (std::vector<int>{10, 20, 30, 40, 50, 60}));
  auto cubes = pool.map_async(cube, range(1, 6));
  auto products = pool.starmap_async(times, tens);
  products.wait();
  EXPECT_EQ(products.fetch().back(), 60);
  EXPECT_EQ(cubes.fetch().back(), 216);
}

}  // namespace
}  // namespace cohort::test
