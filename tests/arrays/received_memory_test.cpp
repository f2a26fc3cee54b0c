// Where elements are received, and who has that memory afterwards.

#include <cstddef>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include <cohort/arrays.hpp>
#include <cohort/cohort.hpp>

#include "darray_test.hpp"

namespace cohort::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool memory_is_measured = false;  // theirs would be counted as well
#else
constexpr bool memory_is_measured = true;
#endif
constexpr std::size_t mebibyte = 1 << 20;

/// The most memory that this process ever had, in MiB.
long peak() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stol(line.substr(6)) / 1024;
  return 0;
}

using ReceivedMemory = ClusterTest;  // real processes

TEST_F(ReceivedMemory, APartStaysWhereItWasReceived) {
  const Pid pid = addprocs(1)[0];
  const auto local = numbered<1>({64 * mebibyte / sizeof(double)});
  const long before = remotecall_fetch(fn<peak>, pid);
  const auto a = distribute(local);
  const long growth = memory_is_measured ? remotecall_fetch(fn<peak>, pid) - before : 0;
  EXPECT_LT(growth, 96) << "MiB, for 64 MiB of elements";
  for_each([](double& x) { x += 1; }, a);
  const auto b = distribute(local);
  EXPECT_EQ(a.gather(), (NdArray<double, 1>(local + 1.0))) << "the message after it is elsewhere";
  EXPECT_EQ(b.gather(), local);
}

}  // namespace
}  // namespace cohort::test
