// A test of a function that uses a cluster, without any process: the cluster is in memory, and one of its workers is
// killed while it works.
//
//   test_in_memory

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <vector>

#include <cohort/cohort.hpp>
#include <cohort/testing/test_cluster.hpp>

namespace {

// What is tested.
std::vector<int> squares(int count, const std::function<void(std::size_t)>& progress) {
  return cohort::pmap([](int x) { return x * x; }, cohort::range(1, count),
                      {.retry_delays = {std::chrono::milliseconds(0)},
                       .progress = [&](std::size_t done, std::size_t) { progress(done); }});
}

}  // namespace

int main() {
  cohort::testing::TestCluster cluster(3);
  bool killed = false;
  const auto all = squares(1000, [&](std::size_t done) {
    if (done >= 100 && !killed) cluster.kill(2);
    killed = killed || done >= 100;
  });
  int wrong = 0;
  for (int i = 1; i <= 1000; i++) wrong += all[static_cast<std::size_t>(i - 1)] != i * i;
  std::printf("%d of 1000 squares are wrong, by the %d workers that are left\n", wrong, cohort::nworkers());
  return wrong == 0 ? 0 : 1;
}
