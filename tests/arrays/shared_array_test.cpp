#include <cohort/shared_array.hpp>

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/child_process.hpp>
#include <cohort/cohort.hpp>

#include "../cluster/processes.hpp"
#include "shared_array_test.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

void fill(SharedArray<int, 2>& part) {
  for (const std::size_t i : part.local_indices()) part[i] = myid();
}

TEST_F(SharedArrayTest, EachProcessFillsItsPart) {
  const auto pids = addprocs(3);
  const int a = pids[0], b = pids[1], c = pids[2];
  const SharedArray<int, 2> m({3, 4}, fn<fill>);
  EXPECT_EQ(m.pids(), pids);
  EXPECT_EQ(m.copy(), (NdArray<int, 2>{{a, a, a, a}, {b, b, b, b}, {c, c, c, c}}));
  const SharedArray<int, 2> uneven({2, 5}, fn<fill>, {.pids = {c, a, b}});
  EXPECT_EQ(uneven.copy(), (NdArray<int, 2>{{c, c, c, a, a}, {a, b, b, b, b}})) << "the rest is the last one's";
  const SharedArray<int, 2> few({1, 2}, fn<fill>);
  EXPECT_EQ(few.copy(), (NdArray<int, 2>{{a, b}})) << "the first ones have one place each";
  EXPECT_FALSE(m.index_pid().has_value()) << "the master only sees it";
  EXPECT_TRUE(m.local_span().empty());
}

TEST_F(SharedArrayTest, WhatOneWritesTheOthersSee) {
  const auto pids = addprocs(2);
  SharedArray<double, 1> s({1000});
  EXPECT_EQ(std::accumulate(s.begin(), s.end(), 0.0), 0.0);
  s[7] = 7.5;
  EXPECT_EQ(remotecall_fetch([](const SharedArray<double, 1>& it) { return it[7]; }, pids[1], s), 7.5);
  remotecall_wait([](const SharedArray<double, 1>& it) { it[999] = 1.25; }, pids[0], s);
  EXPECT_EQ(s.at({999}), 1.25);
  EXPECT_THROW(s.at({1000}), Error);
  // Passed on from worker to worker, and to one that came later.
  const Pid late = addprocs(1).front();
  const auto pass_on = [](const SharedArray<double, 1>& it, Pid to) {
    return remotecall_fetch([](const SharedArray<double, 1>& last) { return ++last[7]; }, to, it);
  };
  EXPECT_EQ(remotecall_fetch(pass_on, pids[0], s, late), 8.5);
  EXPECT_EQ(s[7], 8.5);
  const auto matrix = s.reshape<2>({10, 100});
  matrix(9, 99) = 3;
  EXPECT_EQ(s[999], 3);
  EXPECT_THROW(s.reshape<2>({10, 99}), Error);
}

TEST_F(SharedArrayTest, MadeByAWorkerItLivesAsLongAsAnybodyHasIt) {
  const auto pids = addprocs(2);
  auto made =
      remotecall_fetch([] { return SharedArray<int, 1>({10}, [](SharedArray<int, 1>& a) { a[0]++; }); }, pids[0]);
  EXPECT_GE(made[0], 1) << "two processes that write to one element race";
  EXPECT_LE(made[0], 2);
  made[1] = 5;
  EXPECT_EQ(remotecall_fetch([](const SharedArray<int, 1>& it) { return it[1]; }, pids[1], made), 5);
  made.close();
  EXPECT_FALSE(made.valid());
  EXPECT_THROW(made.data(), Error);
}

TEST_F(SharedArrayTest, AWorkerMakesOneForThoseItCannotConnectTo) {
  const auto pids = addprocs(2, {.topology = "master_worker"});
  const auto make = [](const std::vector<Pid>& of) {
    return SharedArray<int, 1>({10}, [](SharedArray<int, 1>& it) { it.local_span()[0] = myid(); }, {.pids = of});
  };
  const auto made = remotecall_fetch(make, pids[0], pids);
  EXPECT_EQ(made[0], pids[0]);
  EXPECT_EQ(made[5], pids[1]);
}

TEST_F(SharedArrayTest, AThousandLeaveNothing) {
  addprocs(1);
  for (int i = 0; i < 1000; i++) {
    const SharedArray<int, 1> each({1000});
    each[i] = i;
  }
}

TEST_F(SharedArrayTest, ADeadWorkerTakesNothingAlong) {
  const auto pids = addprocs(2);
  const SharedArray<int, 1> s({100}, [](SharedArray<int, 1>& a) { a.local_span()[0] = 1; });
  remote_do([] { _exit(1); }, pids[0]);
  EXPECT_TRUE(eventually([] { return nworkers() == 1; }));
  EXPECT_EQ(s[0], 1);
  EXPECT_EQ(remotecall_fetch([](const SharedArray<int, 1>& it) { return it[50]; }, pids[1], s), 1);
}

TEST(KilledMaster, NothingStaysOfItsArrays) {
  SpawnOptions spawn;
  spawn.command = {COHORT_ARRAY_HOLDER};
  auto master = ChildProcess::spawn(spawn);
  std::string said;
  ASSERT_TRUE(eventually([&] {
    char buffer[256];
    if (const auto got = read(master.out(), buffer, sizeof buffer); got > 0)
      said.append(buffer, static_cast<std::size_t>(got));
    return contains(said, "ready");
  })) << said;
  std::vector<int> processes;
  std::istringstream lines(said);
  for (int pid; lines >> pid;) processes.push_back(pid);
  ASSERT_EQ(processes.size(), 3u) << said;
  for (const int pid : processes)
    EXPECT_TRUE(contains(text_of_file("/proc/" + std::to_string(pid) + "/maps"), "cohort-shared-array")) << pid;
  kill(processes[0], SIGKILL);
  master.wait_until(deadline_after(20s));
  for (const int pid : processes) EXPECT_TRUE(eventually([&] { return !is_running(pid); })) << pid;
  // Whatever is mapped has no name in a file system, so it is gone with the processes.
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm"))
    EXPECT_FALSE(contains(entry.path().string(), "cohort")) << entry.path();
}

// Memory that no file system limits: not even a small /dev/shm, as containers have.
TEST_F(SharedArrayTest, ASmallFileSystemForSharedMemoryIsNoLimit) {
  const pid_t child = fork();
  if (child == 0) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || mount("none", "/dev/shm", "tmpfs", 0, "size=1m") != 0) _exit(77);
    std::ofstream full("/dev/shm/full");
    full << std::string(2 << 20, 'x') << std::flush;
    if (full) _exit(1);  // it is small
    const auto memory = detail::SharedMemory::create(2 << 20);
    std::fill_n(memory->data(), memory->size(), std::byte{1});
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "no namespaces are permitted here";
  EXPECT_EQ(status, 0);
}

TEST_F(SharedArrayTest, WhatCannotBeIsAnErrorInWords) {
  const Pid worker = addprocs(1).front();
  const std::size_t much = std::size_t{1} << 50;
  const auto text = thrown_by<Error>([&] { SharedArray<char, 1>({much}); });
  EXPECT_TRUE(contains(text, "cannot make a SharedArray of 1073741824.0 MiB: ")) << text;
  EXPECT_TRUE(contains(text, " MiB of memory left")) << text;
  EXPECT_TRUE(contains(thrown_by<Error>([] { SharedArray<int, 1>({1}, {.pids = {9999}}); }), "9999"));
  const SharedArray<int, 2> nothing({0, 5});
  EXPECT_TRUE(nothing.empty());
  EXPECT_EQ(remotecall_fetch([](const SharedArray<int, 2>& it) { return it.extents(); }, worker, nothing),
            (Extents<2>{0, 5}));
  const SharedArray<int, 1> none;
  EXPECT_FALSE(remotecall_fetch([](const SharedArray<int, 1>& it) { return it.valid(); }, worker, none));
}

TEST_F(SharedArrayTest, ItsElementsMayBeInAFile) {
  const auto pids = addprocs(2);
  const std::string path = std::filesystem::temp_directory_path() / ("cohort-shared-" + std::to_string(getpid()));
  {
    const auto file = SharedArray<int, 1>::map_file(path, {1000}, {.mode = FileMode::create, .offset = 64});
    everywhere(
        workers(),
        [](const SharedArray<int, 1>& it) {
          for (int& each : it.local_span()) each = myid();
        },
        file);
    EXPECT_EQ(file[499], pids[0]);
    EXPECT_EQ(file[500], pids[1]);
  }
  EXPECT_EQ(std::filesystem::file_size(path), 64 + 4000u);
  {
    const auto again = SharedArray<int, 1>::map_file(path, {1000}, {.mode = FileMode::read, .offset = 64});
    EXPECT_EQ(again[999], pids[1]);
    EXPECT_EQ(remotecall_fetch([](const SharedArray<int, 1>& it) { return it[0]; }, pids[0], again), pids[0]);
  }
  EXPECT_TRUE(contains(thrown_by<Error>([&] { SharedArray<int, 1>::map_file(path, {1001}, {.offset = 64}); }),
                       "4068 are needed"));
  EXPECT_TRUE(contains(thrown_by<Error>([&] { SharedArray<int, 1>::map_file(path, {10}, {.offset = 3}); }),
                       "the offset 3 is no multiple of 4"));
  const auto longer = SharedArray<int, 1>::map_file(path, {2000}, {.mode = FileMode::extend, .offset = 64});
  EXPECT_EQ(longer[1999], 0);
  EXPECT_EQ(longer[0], pids[0]);
  std::filesystem::remove(path);
  EXPECT_TRUE(contains(thrown_by<Error>([&] { SharedArray<int, 1>::map_file(path, {1}); }), path));
}

}  // namespace
}  // namespace cohort::test
