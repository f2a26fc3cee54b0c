// Distributed arrays whose parts are on devices.

#include <numbers>
#include <utility>

#include <gtest/gtest.h>

#include <cohort/arrays.hpp>
#include <cohort/cohort.hpp>
#include <cohort/opencl.hpp>

#include "../cluster/cluster_test.hpp"
#include "device_test.hpp"

namespace cohort::test {
namespace {

using DeviceDArray = ClusterTest;
template <class T, std::size_t N>
using Distributed = DArray<T, N, DeviceArray>;

TEST_F(DeviceDArray, AgreesWithALocalArray) {
  addprocs(2);
  const auto local = numbers<double>(Extents<2>{7, 5});
  const auto a = distribute<DeviceArray>(local, {.grid = {2, 1}});
  EXPECT_EQ(a.gather(), local);
  EXPECT_EQ((Distributed<double, 2>(2.0 * a - a / 4.0).gather()), (NdArray<double, 2>(2.0 * local - local / 4.0)));
  const auto columns = distribute<DeviceArray>(local, {.grid = {1, 2}});
  EXPECT_EQ((Distributed<double, 2>(a + columns).gather()), (NdArray<double, 2>(local + local)))
      << "layouts are joined";
  EXPECT_EQ(sum(a), sum(local)) << "of small integers";
  EXPECT_EQ(maximum(columns), maximum(local));
  EXPECT_EQ(sum(a, dim<0>).gather(), sum(local, dim<0>));
  EXPECT_EQ(transpose(a).gather(), transpose(local));
  const Box<2> box{{1, 1}, {5, 3}};
  EXPECT_EQ(a.get(box), (DeviceArray<double, 2>(local).get(box)));
  a.put({{1, 0}, {6, 5}}, NdArray<double, 2>({5, 5}, 3.0));
  a.add({{0, 0}, {7, 1}}, NdArray<double, 2>({7, 1}, 1.0));
  EXPECT_EQ(a.at({3, 0}), 4);
  EXPECT_EQ(a.at({3, 1}), 3);
  const auto local_sum = [](const Distributed<double, 2>& it) { return sum(it.local_part()); };
  EXPECT_EQ(remotecall_fetch(local_sum, a.pids()[1], a), sum(a.get(a.boxes()[1])));
}

TEST_F(DeviceDArray, TheExamplesGiveTheSame) {
  addprocs(2);
  const NdArray<double, 1> pi(Extents<1>{10000}, std::numbers::pi), half(Extents<1>{10000}, 0.5);
  const Distributed<double, 1> c = 2.0 * distribute<DeviceArray>(pi) / distribute<DeviceArray>(half);
  EXPECT_EQ(minimum(c), 4 * std::numbers::pi);
  EXPECT_EQ(maximum(c), 4 * std::numbers::pi);
  auto m = distribute<DeviceArray>(NdArray<double, 2>{{2, 1}, {1, 1}});
  auto v = distribute<DeviceArray>(NdArray<double, 1>{0.40395, 0.445877});
  for (int i = 0; i < 100; i++) {
    v = m * v;
    v /= norm(v);
  }
  EXPECT_EQ(norm(m * v) / norm(v), 2.618033988749895);
}

}  // namespace
}  // namespace cohort::test
