// What it costs to wait in a queue.

#include <time.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include <cohort/child_process.hpp>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../cli/tool.hpp"
#include "fake_scheduler.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

/// What all threads of a process have used, those that have ended, too.
std::chrono::nanoseconds cpu_time(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  EXPECT_EQ(::clock_getcpuclockid(pid, &clock), 0);
  EXPECT_EQ(::clock_gettime(clock, &time), 0);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// Sites end programs that compute on a host that is for submitting jobs.
TEST(WaitingTest, AMasterThatWaitsInAQueueComputesNothing) {
  const FakeScheduler scheduler("slurm");
  const TemporaryDirectory files;
  SpawnOptions spawn;
  spawn.command = {COHORT_TOOL, "run", "-m", "slurm", "-p", "64", "-o", "flags=[\"--hold\"]", COHORT_BATCH_PROGRAM};
  spawn.dir = files.path();
  spawn.capture = false;
  spawn.env["XDG_STATE_HOME"] = files.path("state");
  auto master = ChildProcess::spawn(spawn);
  ASSERT_TRUE(contract::eventually([] { return FakeScheduler::jobs().find(" pending") != std::string::npos; }));
  const auto begin = std::chrono::steady_clock::now();
  const auto before = cpu_time(master.pid());
  std::this_thread::sleep_for(2s);
  const auto used = cpu_time(master.pid()) - before;
  const auto elapsed = std::chrono::steady_clock::now() - begin;
  EXPECT_LT(used, elapsed / 100);
  master.signal(SIGTERM);
  ASSERT_TRUE(master.wait_until(deadline_after(20s)));
  EXPECT_TRUE(contract::eventually([] { return FakeScheduler::jobs().find(" pending") == std::string::npos; }));
  EXPECT_TRUE(contract::eventually([&] { return std::filesystem::is_empty(files.path("state/cohort/jobs")); }));
}

}  // namespace
}  // namespace cohort::test
