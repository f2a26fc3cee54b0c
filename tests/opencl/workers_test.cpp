#include <cohort/opencl.hpp>

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <cohort/cohort.hpp>

#include "../cluster/cluster_test.hpp"
#include "device_test.hpp"

namespace cohort::test {
namespace {

using DeviceWorkers = ClusterTest;

DeviceArray<double, 1> twice(const DeviceArray<double, 1>& a) { return 2.0 * a; }

TEST_F(DeviceWorkers, ArraysAreArgumentsAndResults) {
  const Pid pid = addprocs(1).front();
  // Large ones are sent as segments.
  for (const std::size_t size : {0, 1, 1000, 1000000}) {
    const auto host = numbers<double>(Extents<1>{size});
    const DeviceArray<double, 1> result = remotecall_fetch(fn<twice>, pid, DeviceArray<double, 1>(host));
    EXPECT_EQ(result.copy(), (NdArray<double, 1>(2.0 * host))) << size;
  }
  auto future = remotecall(fn<twice>, pid, DeviceArray<double, 1>{1, 2});
  EXPECT_EQ(remotecall_fetch([](const DeviceArray<double, 1>& a) { return sum(a); }, pid, future.fetch()), 6);
}

TEST_F(DeviceWorkers, EachHasItsDevice) {
  // Without a GPU, pocl makes two devices of the CPU.
  const auto pids = addprocs("local", {{"count", 2}, {"env", OptionValues{{"POCL_DEVICES", "pthread pthread"}}}});
  const auto use = [] {
    const DeviceArray<double, 1> a{1, 2, 3};
    return std::pair(opencl::current_device(), sum(a));
  };
  const bool one = remotecall_fetch([] { return opencl::devices().size(); }, pids[0]) == 1;  // of a GPU
  EXPECT_EQ(remotecall_fetch(use, pids[1]), (std::pair<std::size_t, double>(one ? 0 : 1, 6.0)));
  EXPECT_EQ(remotecall_fetch(use, pids[0]), (std::pair<std::size_t, double>(0, 6.0)));
  const auto choose = [] { opencl::use_device(0); };
  EXPECT_THROW(remotecall_fetch(choose, pids[1]), RemoteException) << "it has an array already";
}

TEST_F(DeviceWorkers, AnErrorOfTheDeviceComesToTheCaller) {
  const Pid pid = addprocs(1).front();
  const auto text = thrown_by([&] {
    remotecall_fetch(
        [] { return sum(opencl::function<double(double)>("no_such(x0)")(DeviceArray<double, 1>({3}, 1.0))); }, pid);
  });
  EXPECT_TRUE(contains(text, "cannot compile a kernel")) << text;
  EXPECT_EQ(remotecall_fetch([] { return sum(DeviceArray<double, 1>({3}, 1.0)); }, pid), 3);
}

}  // namespace
}  // namespace cohort::test
