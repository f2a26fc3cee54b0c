// Where elements are received, and who has that memory afterwards.

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

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
using ReceivedMemoryInOneProcess = DArrayTest;

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

TEST_F(ReceivedMemory, WhatIsGatheredIsReceivedInTheResult) {
  const auto pids = addprocs(3);
  const auto local = numbered<2>({1024, 64 * mebibyte / sizeof(double) / 1024});
  const auto a = distribute(local, {.pids = {pids[1], pids[2]}, .grid = {2, 1}});
  const auto [growth, total] = remotecall_fetch(
      [](const DArray<double, 2>& array) {
        const long before = peak();
        const auto all = array.gather();
        return std::pair(memory_is_measured ? peak() - before : 0, sum(all));
      },
      pids[0], a);
  EXPECT_EQ(total, sum(local));
  EXPECT_LT(growth, 80) << "MiB, for 64 MiB of elements";
  EXPECT_EQ(a.gather(), local);
  const auto columns = a.redistribute({.pids = {pids[1], pids[2]}, .grid = {1, 2}});
  EXPECT_EQ(columns.gather(), local) << "parts that are not consecutive in the result";
}

Array<double> numbers(std::size_t count, double value) { return Array<double>(std::vector<double>(count, value)); }
Array<double> failure(std::size_t count, double value) {
  if (count > 0) throw std::runtime_error("no array");
  return numbers(count, value);
}

TEST_F(ReceivedMemory, OnlyTheNextValueOfThatSizeIsReceivedInGivenMemory) {
  const Pid pid = addprocs(1)[0];
  constexpr std::size_t count = 100'000;
  const auto memory = detail::segment_memory(count * sizeof(double));
  const detail::ReceivingMemory receiving{memory, count * sizeof(double)};
  const auto is_there = [&](const Array<double>& array) {
    return static_cast<const void*>(array.data()) == static_cast<const void*>(memory.get());
  };
  {
    const detail::ReceiveInto scope(receiving);
    const auto first = remotecall_fetch(fn<numbers>, pid, count, 1.0);
    const auto second = remotecall_fetch(fn<numbers>, pid, count, 2.0);
    EXPECT_TRUE(is_there(first));
    EXPECT_FALSE(is_there(second));
    EXPECT_EQ(first, numbers(count, 1)) << "it is left alone by the second one";
    EXPECT_EQ(second, numbers(count, 2));
  }
  {
    auto future = remotecall(fn<numbers>, pid, count, 3.0);
    auto other = remotecall(fn<numbers>, pid, count, 4.0);
    const detail::ReceiveInto scope(receiving);
    const auto value = std::move(future).get();
    EXPECT_TRUE(is_there(value));
    EXPECT_EQ(other.fetch(), numbers(count, 4));
    EXPECT_EQ(value, numbers(count, 3));
  }
  {
    const detail::ReceiveInto scope(receiving);
    const auto longer = remotecall_fetch(fn<numbers>, pid, count + 1, 5.0);
    EXPECT_FALSE(is_there(longer));
    EXPECT_EQ(longer, numbers(count + 1, 5));
  }
  {
    const detail::ReceiveInto scope(receiving);
    EXPECT_THROW(remotecall_fetch(fn<failure>, pid, count, 6.0), RemoteException);
  }
  EXPECT_FALSE(is_there(remotecall_fetch(fn<numbers>, pid, count, 7.0))) << "after the scope";
  EXPECT_TRUE(eventually([&] { return memory.use_count() == 2; })) << "it is kept by others";
}

TEST_F(ReceivedMemoryInOneProcess, AWorkerThatDiesWhileItSendsSpoilsNothing) {
  const auto local = numbered<1>({8 * mebibyte / sizeof(double)});
  for (int round = 0; round < 12; round++) {
    cohort::testing::TestCluster three(3);
    const auto a = distribute(local, {.pids = {2, 3}, .copies = 1});
    std::jthread killer([&] {
      const Node::Scope scope(three.master());
      std::this_thread::sleep_for(std::chrono::microseconds(400) * round);
      three.kill(round % 2 == 0 ? 2 : 3);
    });
    EXPECT_EQ(a.gather(), local) << round;
    EXPECT_EQ(a.gather(), local) << round;
  }
}

TEST_F(ReceivedMemoryInOneProcess, WhatIsCancelledWhileItComesSpoilsNothing) {
  const auto local = numbered<1>({8 * mebibyte / sizeof(double)});
  const auto a = distribute(local, {.pids = {3, 4}});
  for (int round = 0; round < 20; round++) {
    const auto gathered = remotecall([](const DArray<double, 1>& array) { return array.gather().size(); }, 2, a);
    std::this_thread::sleep_for(std::chrono::microseconds(300) * round);
    gathered.cancel();
    EXPECT_EQ(a.gather(), local) << round;
    EXPECT_EQ(remotecall_fetch([](const DArray<double, 1>& array) { return sum(array.gather()); }, 2, a), sum(local));
    try {
      EXPECT_EQ(gathered.fetch(), local.size());
    } catch (const RemoteException&) {
    }
  }
}

// A part of this size is sent out of its own memory.
constexpr std::size_t part_size = 8 * mebibyte / sizeof(double);

/// Looks at some of the elements, so that readers do little else than read.
bool is_of_one_value(const NdArray<double, 1>& array) {
  for (std::size_t i = 0; i < array.size(); i += 1021)
    if (array[i] != array[0]) return false;
  return true;
}

TEST_F(ReceivedMemoryInOneProcess, WhatIsReadWhileOthersWriteIsOneState) {
  const auto a = dzeros({part_size}, {.pids = {2}});
  const auto written = remotecall(
      [](const DArray<double, 1>& array) {
        for (int i = 1; i <= 30; i++) array.put({{0}, {part_size}}, NdArray<double, 1>({part_size}, i));
      },
      3, a);
  const auto read = remotecall(
      [](const DArray<double, 1>& array) {
        int mixed = 0;
        for (int i = 0; i < 20; i++) mixed += !is_of_one_value(array.gather());
        return mixed;
      },
      4, a);
  for (int i = 0; i < 20; i++) EXPECT_TRUE(is_of_one_value(a.gather()));
  EXPECT_EQ(read.fetch(), 0);
  written.wait();
  EXPECT_EQ(a.gather(), (NdArray<double, 1>({part_size}, 30)));
}

/// Reads it again and again.
bool read_until_states_mix(const DArray<double, 1>& array) {
  while (is_of_one_value(array.gather())) {
  }
  return true;
}

void write_all(const DArray<double, 1>& array, double value) {
  array.put({{0}, array.extents()}, NdArray<double, 1>(array.extents(), value));
}

TEST_F(ReceivedMemoryInOneProcess, AReaderThatTakesNothingKeepsNobodyFromWriting) {
  // Who sends the larger one waits for room besides.
  for (const auto& [size, rounds] : {std::pair{part_size, 20}, std::pair{12 * part_size, 2}}) {
    cohort::testing::TestCluster two(2, {.lazy = false});
    const auto a = dzeros({size}, {.pids = {2}});
    const auto read = remotecall(fn<read_until_states_mix>, 3, a);
    for (int i = 1; i <= rounds; i++) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      two.stall(2, 3);  // nearly always while it is sent
      remotecall(fn<write_all>, 2, a, i).wait({.deadline = slack});
      EXPECT_EQ(a.gather(), (NdArray<double, 1>({size}, i)));
      if (i < rounds) two.resume(2, 3);
    }
    EXPECT_FALSE(read.is_ready());
    two.kill(3);
    EXPECT_THROW(read.fetch(), ProcessExitedException);
    write_all(a, -1);
    EXPECT_EQ(a.gather(), (NdArray<double, 1>({size}, -1)));
  }
}

TEST_F(ReceivedMemoryInOneProcess, APartMayGetOtherMemoryWhileWhatNobodyWantsIsSent) {
  cohort::testing::TestCluster two(2, {.lazy = false});
  static constexpr std::size_t size = 5 * part_size;  // from 32 MiB on, freed memory is not there any more
  const auto a = dzeros({size}, {.pids = {2}});
  for (int i = 1; i <= 10; i++) {
    const auto read = remotecall(fn<read_until_states_mix>, 3, a);
    std::this_thread::sleep_for(std::chrono::milliseconds(3) * i);
    two.stall(2, 3);
    read.cancel();
    EXPECT_THROW(read.fetch(), RemoteException);
    remotecall_fetch(
        [](const DArray<double, 1>& array, double value) { array.local_part() = NdArray<double, 1>({size}, value); }, 2,
        a, i);
    two.resume(2, 3);
    EXPECT_EQ(remotecall_fetch([](const DArray<double, 1>& array) { return sum(array.gather()); }, 3, a),
              static_cast<double>(i * size));
  }
}

}  // namespace
}  // namespace cohort::test
