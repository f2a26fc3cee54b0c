// What a process inherits or is handed, and what a Session makes of it. The masters are programs of their own, started
// as a shell or a driver would.

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>

#include <cohort/child_process.hpp>

#include "cluster_test.hpp"
#include "processes.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

struct Ended {
  std::string out, err, status;
};

Ended end_of(ChildProcess& child) {
  const auto status = child.wait_until(deadline_after(60s));
  if (!status) child.signal(SIGKILL);
  // What it printed fits into the pipes.
  return {text_of_file("/proc/self/fd/" + std::to_string(child.out())),
          text_of_file("/proc/self/fd/" + std::to_string(child.err())), status ? status->text() : "did not end"};
}

/// @param how a line for /bin/sh in which "$@" is the program.
Ended run(const std::vector<std::string>& task, const std::string& how = R"(exec "$@")") {
  SpawnOptions spawn;
  spawn.command = {"/bin/sh", "-c", how, "sh", COHORT_PROCESS_PROGRAM};
  spawn.command.insert(spawn.command.end(), task.begin(), task.end());
  auto child = ChildProcess::spawn(spawn);
  return end_of(child);
}

const std::string answer = "the worker answers 1\n";

TEST(ProcessTest, ALineWithoutEndBeforeTheSessionHidesNothing) {
  const auto ended = run({"answer"}, R"(COHORT_TEST_BANNER=1 exec "$@")");
  EXPECT_TRUE(contains(ended.out, "      From worker startup:\tLoading ... \n")) << ended.out;
  EXPECT_TRUE(ended.out.ends_with(answer)) << ended.out << ended.err;
}

// A socket there would be printed into.
TEST(ProcessTest, NoSocketGetsTheNumberOfAStandardDescriptorThatIsClosed) {
  const TemporaryDirectory directory;
  const std::string result = directory.path("result");
  for (int closed = 1; closed < 8; closed++) {
    std::string how = R"(exec "$@")";
    for (int number = 0; number < 3; number++) {
      if ((closed >> number & 1) != 0) how += ' ' + std::to_string(number) + ">&-";
    }
    EXPECT_EQ(run({"descriptors", result}, how).status, "exited with code 0") << how;
    const std::string found = text_of_file(result);
    EXPECT_FALSE(contains(found, "socket:")) << how << ": " << found;
    EXPECT_FALSE(contains(found, "anon_inode")) << how << ": " << found;
    EXPECT_TRUE(contains(found, " | /dev/null pipe:")) << how << ": " << found;
    std::filesystem::remove(result);
  }
}

TEST(ProcessTest, TheLimitOfDescriptorsIsRaisedHereAndNotInProgramsThatAreStarted) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const auto raised = std::to_string(std::min<rlim_t>(limit.rlim_max, 1 << 20));
  EXPECT_EQ(run({"limits"}, R"(ulimit -Sn 300; exec "$@")").out,
            "master " + raised + "\nworker " + raised + "\nprogram 300\nprogram of the worker 300\nfork 300\n");
}

TEST(ProcessTest, ABrokenPipeEndsNobodyHereAndWhomItIsToEndInProgramsThatAreStarted) {
  const auto ended = run({"broken-pipes"});
  EXPECT_EQ(ended.out, "EPIPE EPIPE\n");
  EXPECT_EQ(ended.err, "");  // yes(1) says "Broken pipe" where the signal is ignored
}

TEST(ProcessTest, AHandlerOfTheProgramStays) { EXPECT_EQ(run({"handler"}).out, "its own\n"); }

TEST(ProcessTest, AWorkersEndIsKnownWhereSigchldWasIgnored) {
  const auto ended = run({"cause"}, R"(exec env --ignore-signal=CHLD "$@")");
  EXPECT_TRUE(contains(ended.out, "killed by signal 9 (Killed)")) << ended.out << ended.err;
}

TEST(ProcessTest, AnUnlimitedStackIsNotASmallOne) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_STACK, &limit), 0);
  if (limit.rlim_max != RLIM_INFINITY) GTEST_SKIP() << "the stack is limited here";
  const auto ended = run({"stack"}, R"(ulimit -c 0; ulimit -s unlimited; exec "$@")");
  EXPECT_EQ(ended.out, "6 MiB\n") << ended.err;
}

// Longer than timeouts.dead, by Ctrl-Z or a debugger: the master alone, and the master with its worker.
TEST(ProcessTest, WorkersSurviveThatTheirMasterIsStopped) {
  struct Stopped {
    Stopped() : master(ChildProcess::spawn({.command = {COHORT_PROCESS_PROGRAM, "stop"}})) {
      for (char next = 0; read(master.out(), &next, 1) == 1 && next != '\n';) line += next;
    }
    ChildProcess master;
    std::string line;
  };
  Stopped alone, together;
  const int worker = std::atoi(together.line.c_str());
  ASSERT_GT(worker, 0);
  for (const int pid : {alone.master.pid(), together.master.pid(), worker}) {
    ASSERT_EQ(kill(pid, SIGSTOP), 0);
    ASSERT_TRUE(eventually([&] { return state_of(pid).state == 'T'; }));
  }
  std::this_thread::sleep_for(4s);  // what is tested is that so much time passes
  for (const int pid : {alone.master.pid(), together.master.pid(), worker}) EXPECT_EQ(kill(pid, SIGCONT), 0);
  for (Stopped* stopped : {&alone, &together}) {
    EXPECT_EQ(kill(stopped->master.pid(), SIGUSR1), 0);
    const auto ended = end_of(stopped->master);
    EXPECT_EQ(ended.out, answer) << (stopped == &alone ? "alone: " : "together: ") << ended.err;
  }
}

// From another machine nobody sees that it is only stopped.
TEST(ProcessTest, WorkersOfOtherMachinesLeaveAMasterThatFallsSilent) {
  const TemporaryDirectory directory;
  const auto elsewhere = directory.script(
      "elsewhere", "exec unshare --uts sh -c 'hostname far; exec " COHORT_PROCESS_PROGRAM " \"$@\"' sh \"$@\"");
  if (std::system("unshare --uts true 2>/dev/null") != 0) GTEST_SKIP() << "no right to a host name of one's own";
  auto master = ChildProcess::spawn({.command = {COHORT_PROCESS_PROGRAM, "stop", elsewhere}});
  std::string line;
  for (char next = 0; read(master.out(), &next, 1) == 1 && next != '\n';) line += next;
  const int worker = std::atoi(line.c_str());
  ASSERT_GT(worker, 0) << line;
  ASSERT_EQ(kill(master.pid(), SIGSTOP), 0);
  EXPECT_TRUE(eventually([&] { return state_of(worker).state == 0 || state_of(worker).state == 'Z'; }));
  EXPECT_EQ(kill(master.pid(), SIGCONT), 0);
  EXPECT_EQ(kill(master.pid(), SIGUSR1), 0);
  EXPECT_NE(end_of(master).status, "did not end");
}

TEST(ProcessTest, WorkersAreStartedAlsoWhenTheProgramFileIsAnotherOrGone) {
  const TemporaryDirectory directory;
  const std::string program = directory.path("program");
  std::filesystem::copy_file(COHORT_PROCESS_PROGRAM, program);
  SpawnOptions spawn;
  spawn.command = {program, "replace"};
  auto child = ChildProcess::spawn(spawn);
  const auto ended = end_of(child);
  EXPECT_EQ(ended.out, answer + answer + answer) << ended.err;
}

TEST(ProcessTest, ASecondSessionIsRefusedAndTheFirstGoesOn) {
  EXPECT_EQ(run({"another-session"}).out,
            "there is a cohort::Session already: a program has one, made at the beginning of main()\n" + answer);
}

TEST(ProcessTest, AForkOfTheMasterIsNoMaster) {
  const std::string refused =
      "this process was forked from one that belongs to a cluster, and does not belong to it itself: it can compute, "
      "execute another program, or end by _exit()\n";
  // A check for leaks in the child does not see what is held by threads that only the parent has.
  const auto ended = run({"fork"}, R"(ASAN_OPTIONS=detect_leaks=0 exec "$@")");
  EXPECT_EQ(ended.out,
            "called: " + refused + "fetched: " + refused + "removed: " + refused + "the child ended with 5\n" + answer)
      << ended.err;
  EXPECT_EQ(ended.err, "");
}

TEST(ProcessTest, AForkOfAWorkerDoesNotAnswerInItsPlace) {
  const auto ended = run({"fork-in-worker"});
  EXPECT_TRUE(contains(ended.out, "returned: 101\nthrew: 101\n" + answer)) << ended.out << ended.err;
  EXPECT_TRUE(contains(ended.err, "a function returned in a process that it had forked")) << ended.err;
}

using LeftoversTest = ClusterTest;

TEST_F(LeftoversTest, WhatAFunctionForkedEndsWithItsWorker) {
  for (const bool is_killed : {false, true}) {
    const Pid pid = addprocs(1).front();
    const int ospid = remotecall_fetch([] { return static_cast<int>(getpid()); }, pid);
    const int child = remotecall_fetch(
        [] {
          const pid_t forked = fork();
          if (forked == 0) {
            for (;;) pause();
          }
          return static_cast<int>(forked);
        },
        pid);
    ASSERT_TRUE(is_running(child));
    if (is_killed) {
      ASSERT_EQ(kill(ospid, SIGKILL), 0);
      EXPECT_TRUE(eventually([] { return nprocs() == 1; })) << "the fork keeps the connection open";
    } else {
      rmprocs(pid);
    }
    EXPECT_TRUE(eventually([&] { return !is_running(child); }));
  }
}

TEST(ProcessTest, ABrokersSocketGoesWithAMasterThatIsKilled) {
  const TemporaryDirectory directory;
  const std::string socket = directory.path("broker");
  SpawnOptions spawn;
  spawn.command = {COHORT_PROCESS_PROGRAM, "broker", socket};
  auto master = ChildProcess::spawn(spawn);
  char ready = 0;
  ASSERT_EQ(read(master.out(), &ready, 1), 1);
  ASSERT_TRUE(std::filesystem::exists(socket));
  ASSERT_EQ(kill(master.pid(), SIGKILL), 0);
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(socket); }));
}

}  // namespace
}  // namespace cohort::test
