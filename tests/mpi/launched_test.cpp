// Processes that somebody else starts of one program: by a shell that sets what srun sets, and by real launchers.

#include <signal.h>

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/join_file.hpp>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../batch/secret_search.hpp"
#include "../cli/tool.hpp"
#include "mpi_bed.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

namespace fs = std::filesystem;

class LaunchedTest : public testing::Test {
 protected:
  /// In the script, `rank N COMMAND...` is what srun would start as number N of $size, and prints how that ended.
  ToolResult run(const std::string& script) { return run_with(script, {}); }
  ToolResult run_with(const std::string& script, ToolInput input) {
    const std::string functions = "program=" COHORT_LAUNCHED_PROGRAM R"(; size=3
rank() {
  n=$1; shift
  status=0
  SLURM_JOB_ID=7 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=$size SLURM_PROCID=$n "$@" || status=$?
  echo "rank $n: $status" >&2
}
)";
    input.dir = directory_.path();
    return run_script(functions + script, input);
  }
  void expect_nothing_left() const { EXPECT_TRUE(fs::is_empty(directory_.path())); }

  static int count(const std::string& text, const std::string& part) {
    int found = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
    return found;
  }

  const TemporaryDirectory directory_;
  const std::string join_file_ = directory_.path("cohort-slurm-7.0.json");
};

TEST_F(LaunchedTest, RankZeroIsTheMasterAndTheOthersAreItsWorkersInTheirOrder) {
  for (const std::string command :
       {"$cohort run --launched $program", "$program --cohort-launched", "$program without"}) {
    const auto result = run("rank 2 " + command + " & rank 1 " + command + " & rank 0 " + command + " & wait");
    EXPECT_EQ(result.out, "master 2:1 3:2\n") << command << '\n' << result.err;
    EXPECT_EQ(sorted(lines_of(result.err)), (std::vector<std::string>{"rank 0: 0", "rank 1: 0", "rank 2: 0"}))
        << command;
    expect_nothing_left();
  }
}

TEST_F(LaunchedTest, TheyMeetAtTheDirectoryAndTheAddressOfTheOptions) {
  const auto result = run(R"(here=$PWD; cd /
start() { rank $1 $cohort run -m launched -o directory=$here -o listen=127.0.0.1 $program; }
start 0 & start 1 &
until grep -s '"address": "127.0.0.1:[0-9]*"' $here/cohort-slurm-7.0.json >/dev/null; do sleep 0.05; done
start 2 & wait)");
  EXPECT_EQ(result.out, "master 2:1 3:2\n") << result.err;
  expect_nothing_left();
}

TEST_F(LaunchedTest, WhoIsNotLaunchedByOthersIsToldOrIsAMasterAsUsual) {
  const auto told = run("$cohort run --launched $program");
  EXPECT_EQ(told.code, 3);
  EXPECT_TRUE(contains(told.err, "nothing in its environment says that (SLURM_PROCID, OMPI_COMM_WORLD_RANK, PMI_RANK)"))
      << told.err;
  const auto usual = run("$program without");
  EXPECT_EQ(usual.code, 0);
  EXPECT_EQ(usual.out, "master\n");
  // The script of a job is no task of it.
  EXPECT_EQ(run("SLURM_JOB_ID=7 SLURM_PROCID=0 SLURM_NTASKS=3 $program without").out, "master\n");
  const auto two = run("$cohort run --launched -m local $program");
  EXPECT_EQ(two.code, 2);
  EXPECT_TRUE(contains(two.err, "--launched and -m local exclude each other")) << two.err;
  const auto many = run("rank 1 $cohort exec -m launched -- true");
  EXPECT_TRUE(contains(many.err, "this is rank 1, and only rank 0 becomes the master")) << many.err;
}

TEST_F(LaunchedTest, ThatTheMasterFailsIsItsExitCodeAndNotThatOfAWorker) {
  const auto code = run("size=2; rank 0 $program fail 7 --cohort-launched & rank 1 $program --cohort-launched & wait");
  EXPECT_EQ(count(code.err, "rank 0: 7\n"), 1) << code.err;
  EXPECT_EQ(count(code.err, "rank 1: 0\n"), 1) << code.err;
  const auto exception =
      run("size=2; rank 0 $program throw --cohort-launched & rank 1 $program --cohort-launched & wait");
  EXPECT_EQ(count(exception.err, "rank 0: 134\n"), 1) << exception.err;
  EXPECT_EQ(count(exception.err, "rank 1: 1\n"), 1) << exception.err;
  expect_nothing_left();
}

TEST_F(LaunchedTest, ALostWorkerIsNamedByItsRankAndTheOthersGoOn) {
  const auto result = run(R"(
start() { rank $1 $program lose 7 --cohort-launched; }
start 0 & start 1 & start 2 & wait)");
  EXPECT_TRUE(contains(result.out, "lost: process 3 exited: rank 2 has ended; its launcher knows how\nothers: 1\n"))
      << result.out << result.err;
  EXPECT_EQ(count(result.err, "rank 2: 7\n"), 1) << result.err;
}

// All at once, as each waits for some seconds.
TEST_F(LaunchedTest, WhoWaitsSaysForWhatAndGivesUp) {
  const auto result = run(R"(
start() { rank $1 $cohort run --launched --set timeouts.launch=3s -o name=$2 $program; }
start 0 alone & start 1 masterless & start 0 twice & start 1 twice & start 1 twice &
sleep 1; stat -c %a cohort-*.json
wait)");
  const std::string here = fs::canonical(directory_.path()).string();
  EXPECT_EQ(result.out, "600\n600\n");
  const auto expect = [&](const std::string& text) {
    EXPECT_EQ(count(result.err, text), 1) << text << '\n' << result.err;
  };
  expect("cohort: rank 0 waits for ranks 1, 2 of 3 at " + here + "/cohort-alone.json\n");
  expect("ranks 1, 2 of 3, which srun has started, did not join in time");
  expect("cohort: rank 1 of 3 waits for the join file " + here + "/cohort-masterless.json of rank 0\n");
  expect("cannot join as a worker: rank 1 of 3 waits for the join file " + here +
         "/cohort-masterless.json of rank 0 for 3 s");
  expect("could not join: the peer refused: its join token was used");
  expect("  rank 2 of 3, which srun has started, did not join in time");
  EXPECT_EQ(count(result.err, "rank 0: 20\n"), 2) << result.err;
  EXPECT_EQ(count(result.err, "rank 1: 20\n"), 1) << result.err;
  expect_nothing_left();
}

TEST_F(LaunchedTest, WhatAnEarlierRunHasLeftMisleadsNobody) {
  const JoinFile old{"127.0.0.1:1", "program", {"--cohort-transport=tcp"}, "", std::string(64, 'a')};
  old.write(join_file_).reset();  // as after kill -9 of a job that is run again
  const auto result = run(R"(
start() { rank $1 $cohort run --launched $program; }
start 1 & start 2 & { sleep 2.5; start 0; } & wait)");
  EXPECT_EQ(result.out, "master 2:1 3:2\n") << result.err;
  EXPECT_EQ(count(result.err, "waits for rank 0, which it does not reach: cannot connect to 127.0.0.1:1: "), 2)
      << result.err;
  expect_nothing_left();
}

TEST_F(LaunchedTest, WithAMinimumItBeginsWithoutTheOthers) {
  const auto result = run(R"(size=2
start() { rank $1 $cohort run --launched --min 0 --set timeouts.launch=1s $program; }
start 0 & wait)");
  EXPECT_EQ(result.out, "master\n") << result.err;
  expect_nothing_left();
}

TEST_F(LaunchedTest, TheSecretsAreWhereNobodyElseCanReadThem) {
  SecretSearch search;
  const auto look = [&] {
    search.look_at_processes();
    search.look_at_files(directory_.path());
  };
  const auto look_twice = [&](int) {
    search.allow(join_file_);
    search.allow(directory_.path("cookie"));
    search.add(JoinFile::read(join_file_));
    look();
    directory_.write("go", "");
    EXPECT_TRUE(contract::eventually([&] { return fs::exists(directory_.path("cookie.joined")); }));
    search.add(directory_.read("cookie"));
    look();
    directory_.write("cookie.end", "");
  };
  const auto result = run_with(R"(
start() { rank $1 $cohort run --launched )" COHORT_BATCH_PROGRAM R"( join 2 $PWD/cookie; }
start 0 & until [ -s cohort-slurm-7.0.json ]; do sleep 0.02; done; echo waits
until [ -e go ]; do sleep 0.02; done; start 1 & start 2 & wait)",
                               {.standard_input = "", .dir = "", .when_printed = "waits", .then = look_twice});
  EXPECT_EQ(search.secrets(), 4u) << "two tokens, the key of the join file, the cookie: " << result.err;
  EXPECT_EQ(search.found(), "");
  for (const char* file : {"go", "cookie", "cookie.joined", "cookie.end"}) fs::remove(directory_.path(file));
  expect_nothing_left();
}

class LaunchersTest : public LaunchedTest, public testing::WithParamInterface<Mpi> {
 protected:
  /// Of the program, while it waits to be ended.
  static bool processes_left() {
    const auto found = run_script(
        "for process in /proc/[0-9]*; do tr '\\0' ' ' <$process/cmdline; echo; done 2>/dev/null | "
        "grep '^" COHORT_LAUNCHED_PROGRAM " wait '");
    return found.code == 0;
  }
};

TEST_P(LaunchersTest, TwoRunsInOneDirectoryDoNotMeet) {
  if (!GetParam().is_here()) GTEST_SKIP() << GetParam().why_not();
  const std::string start = GetParam().mpiexec() + " -n 4 $cohort run --launched $program & ";
  const auto result = run(start + start + "wait");
  EXPECT_EQ(result.out, "master 2:1 3:2 4:3\nmaster 2:1 3:2 4:3\n") << result.err;
  EXPECT_EQ(result.err, "");
  const auto failed = run(GetParam().mpiexec() + " -n 2 $cohort run --launched $program fail 7");
  EXPECT_EQ(failed.code, 7) << failed.err;
  expect_nothing_left();
}

TEST_P(LaunchersTest, NothingIsLeftWhenTheLauncherIsEnded) {
  if (!GetParam().is_here()) GTEST_SKIP() << GetParam().why_not();
  for (const int number : {SIGINT, SIGTERM, SIGKILL}) {
    const TemporaryDirectory of_mpiexec;  // which leaves its own files there if it is killed
    bool ended = false;
    run_script("TMPDIR=" + of_mpiexec.path() + " exec " + GetParam().mpiexec() +
                   " -n 3 " COHORT_LAUNCHED_PROGRAM " wait --cohort-launched",
               {.standard_input = "", .dir = directory_.path(), .when_printed = "ready", .then = [&](int pid) {
                  ended = processes_left() && ::kill(pid, number) == 0;
                }});
    EXPECT_TRUE(ended);
    EXPECT_TRUE(contract::eventually([] { return !processes_left(); })) << "signal " << number;
    expect_nothing_left();
  }
}

INSTANTIATE_TEST_SUITE_P(Mpi, LaunchersTest, testing::ValuesIn(Mpi::all()), Mpi::name_of);

}  // namespace
}  // namespace cohort::test
