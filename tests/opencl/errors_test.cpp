#include <cohort/opencl.hpp>

#include <string>

#include <gtest/gtest.h>

#include <cohort/cohort.hpp>
#include <cohort/detail/text.hpp>

#include "../cluster/cluster_test.hpp"
#include "device_test.hpp"

namespace cohort::test {
namespace {

/// What an array that is too large gets; it also says how much memory is used.
std::string too_much() {
  return thrown_by<Error>([] { DeviceArray<double, 1>(Extents<1>{std::size_t{1} << 40}); });
}

TEST(DeviceErrors, AKernelThatDoesNotCompile) {
  const DeviceArray<double, 1> a({10}, 1.0);
  const auto before = too_much();
  const auto broken = opencl::function<double(double)>("no_such_function(x0)");
  for (int i = 0; i < 2; i++) {
    const auto text = thrown_by<Error>([&] { map(broken, a); });
    EXPECT_TRUE(contains(text, "the OpenCL device \"" + opencl::devices().at(opencl::current_device()).name +
                                   "\" cannot compile a kernel: CL_BUILD_PROGRAM_FAILURE (-11)\n"))
        << text;
    EXPECT_TRUE(contains(text, "error: ")) << text;
    EXPECT_TRUE(contains(text, "\nThe source is:\n")) << text;
    EXPECT_TRUE(contains(text, "static inline double cohort_f0(double x0) { return no_such_function(x0); }")) << text;
  }
  EXPECT_EQ(sum(a), 10) << "the process goes on";
  EXPECT_EQ(too_much(), before) << "no memory is lost";
  EXPECT_EQ(thrown_by<Error>([&] { map(broken, a.copy()); }),
            "the function \"no_such_function(x0)\" is written in OpenCL C: it runs on DeviceArrays only");
}

TEST(DeviceErrors, TooMuchMemory) {
  const DeviceArray<double, 1> a({1000}, 1.0);
  const auto text = too_much();
  EXPECT_TRUE(contains(text, " has no memory for an array of 8.0 TiB: it has ")) << text;
  EXPECT_TRUE(contains(text, ", of which this process uses 7.8 KiB, and a single array can have ")) << text;
  EXPECT_TRUE(contains(thrown_by<Error>([] {
                         DeviceArray<double, 2>({std::size_t{1} << 40, std::size_t{1} << 40});
                       }),
                       "is larger than what can be addressed"));
  DeviceArray<double, 1> b = a;
  EXPECT_EQ(sum(b), 1000) << "the process goes on";
}

class DeviceErrorsOfProcesses : public ClusterTest {
 protected:
  /// What a new process with this environment gets from its first array.
  static std::string first_array(const OptionValues& environment) {
    const Pid pid = addprocs("local", {{"count", 1}, {"env", environment}}).front();
    return remotecall_fetch(
        []() -> std::string {
          const auto make = [] { return std::to_string(sum(DeviceArray<int, 1>{1, 2})); };
          try {
            return make();
          } catch (const Error& error) {
            try {
              make();
            } catch (const Error& again) {
              return std::string(error.what()) == again.what() ? error.what() : again.what();
            }
            return "other";
          }
        },
        pid);
  }
};

TEST_F(DeviceErrorsOfProcesses, NoDevice) {
  EXPECT_TRUE(
      contains(first_array({{"OCL_ICD_VENDORS", "/nonexistent"}}),
               "no OpenCL device: install the driver of the GPU, or pocl-opencl-icd, which computes on the CPU"));
  EXPECT_TRUE(contains(first_array({{"COHORT_OPENCL_DEVICE", "nonsense"}}),
                       "COHORT_OPENCL_DEVICE is \"nonsense\", which is neither an index nor a part of a name of the "
                       "OpenCL devices: 0 \""));
  EXPECT_TRUE(contains(first_array({{"COHORT_OPENCL_DEVICE", "99"}}), "COHORT_OPENCL_DEVICE is \"99\""));
  EXPECT_EQ(first_array({{"COHORT_OPENCL_DEVICE", "0"}}), "3");
  std::string name = opencl::devices().at(0).name.substr(0, 7);
  for (char& c : name) c = detail::to_upper(c);
  EXPECT_EQ(first_array({{"COHORT_OPENCL_DEVICE", name}}), "3");
}

TEST_F(DeviceErrorsOfProcesses, TheDeviceIsChosenOnce) {
  const Pid pid = addprocs("local", {{"count", 1}, {"env", OptionValues{{"POCL_DEVICES", "pthread pthread"}}}}).front();
  const auto text = remotecall_fetch(
      [] {
        opencl::use_device(1);
        const DeviceArray<int, 1> a{1, 2};
        opencl::use_device(1);
        return thrown_by<Error>([] { opencl::use_device(0); }) + "; " + thrown_by<Error>([] { opencl::use_device(7); });
      },
      pid);
  if (opencl::devices().at(0).platform != "Portable Computing Language") GTEST_SKIP() << "pocl makes two devices";
  EXPECT_TRUE(contains(text, "this process uses the OpenCL device 1 already: call use_device(0) before its first "))
      << text;
  EXPECT_TRUE(contains(text, "there is no OpenCL device 7; there are: 0 \"")) << text;
}

}  // namespace
}  // namespace cohort::test
