// What happens to workers and jobs when the process above them ends, and what a master leaves for others to see.

#include <gtest/gtest.h>
#include <signal.h>

#include <charconv>

#include <cohort/types.hpp>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "test_programs.hpp"
#include "tool.hpp"

namespace {

using namespace std::chrono_literals;

bool is_running(int pid) {
  const std::string text = text_of_file("/proc/" + std::to_string(pid) + "/stat");
  const auto name_end = text.rfind(')');
  return name_end != text.npos && text.at(name_end + 2) != 'Z';
}

bool ends(int pid) {
  if (cohort::contract::eventually([&] { return !is_running(pid); }, 20s)) return true;
  kill(pid, SIGKILL);
  return false;
}

std::vector<int> processes_in(const std::string& text) {
  std::vector<int> pids;
  for (const auto& line : lines_of(text)) {
    if (line.starts_with("process ")) pids.push_back(std::stoi(line.substr(8)));
  }
  return pids;
}

const auto kill_hard = [](int pid) { kill(pid, SIGKILL); };

std::vector<int> killed_master_of(const std::vector<std::string>& arguments) {
  ToolInput input;
  input.when_printed = "ready";
  input.then = kill_hard;
  const auto result = cohort_tool(arguments, input);
  EXPECT_EQ(result.code, 128 + SIGKILL) << result.err;
  return processes_in(result.out);
}

TEST(Master, IdleWorkersDieWithIt) {
  const auto pids = killed_master_of({"run", "-p", "3", COHORT_TEST_MASTER});
  ASSERT_EQ(pids.size(), 3u);
  for (const int pid : pids) EXPECT_TRUE(ends(pid));
}

TEST(Master, ItsWorkersAreGoneWhenItEndsByItself) {
  const auto result = cohort_tool({"run", "-p", "3", COHORT_TEST_MASTER, "end"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.err, "");
  const auto pids = processes_in(result.out);
  ASSERT_EQ(pids.size(), 3u);
  for (const int pid : pids) EXPECT_FALSE(is_running(pid));
}

TEST(Master, WorkersThatComputeDieWithIt) {
  const auto pids = killed_master_of({"run", "-p", "2", COHORT_TEST_MASTER, "compute"});
  ASSERT_EQ(pids.size(), 2u);
  for (const int pid : pids) EXPECT_TRUE(ends(pid));
}

TEST(Master, AStoppedWorkerDiesWithIt) {
  ToolInput input;
  input.when_printed = "ready";
  const TemporaryDirectory directory;
  const auto launcher = directory.write("launcher", "#!/bin/sh\necho process $$ >> " + directory.path("processes") +
                                                        "\nexec " COHORT_TEST_MASTER " \"$@\"\n");
  std::filesystem::permissions(launcher, std::filesystem::perms::owner_all);
  input.then = [&](int master) {
    for (const int pid : processes_in(directory.read("processes"))) kill(pid, SIGSTOP);
    kill(master, SIGKILL);
  };
  cohort_tool({"run", "-p", "2", "-o", "exename=" + launcher, COHORT_TEST_MASTER}, input);
  const auto pids = processes_in(directory.read("processes"));
  ASSERT_EQ(pids.size(), 2u);
  for (const int pid : pids) EXPECT_TRUE(ends(pid));
}

// The launcher never says where it listens; it says on standard error, which is shown only with a failure, that it
// runs.
TEST(Master, WhatItWasLaunchingDiesWithIt) {
  const TemporaryDirectory directory;
  const auto launcher = directory.write(
      "launcher", "#!/bin/sh\ntrap '' TERM HUP\necho process $$ > " + directory.path("part") + "\nmv " +
                      directory.path("part") + " " + directory.path("process") + "\nwhile :; do sleep 0.02; done\n");
  std::filesystem::permissions(launcher, std::filesystem::perms::owner_all);
  int master = 0;
  std::jthread killer([&] {
    for (const auto deadline = cohort::deadline_after(20s); cohort::Clock::now() < deadline;) {
      if (!std::filesystem::exists(directory.path("process"))) continue;
      const int launcher_pid = processes_in(directory.read("process")).at(0);
      for (const auto& line : lines_of(text_of_file("/proc/" + std::to_string(launcher_pid) + "/status"))) {
        if (line.starts_with("PPid:")) master = std::stoi(line.substr(5));
      }
      break;
    }
    if (master > 1) kill(master, SIGKILL);
  });
  EXPECT_EQ(cohort_tool({"run", "-p", "1", "-o", "exename=" + launcher, COHORT_TEST_MASTER}).code, 128 + SIGKILL);
  killer.join();
  const auto pids = processes_in(directory.read("process"));
  ASSERT_EQ(pids.size(), 1u);
  EXPECT_TRUE(ends(pids.front()));
}

TEST(Master, AJobOfMapDiesWithAWorkerThatIsKilled) {
  const TemporaryDirectory directory;
  const auto result = cohort_tool(
      {"map", "-p", "1", "--", "sh", "-c",
       "echo process $$ > " + directory.path("process") + "; kill -KILL $PPID; while :; do sleep 0.02; done", "sh",
       ":::", "1"});
  EXPECT_NE(result.err.find("killed by signal 9"), std::string::npos) << result.err;
  const auto pids = processes_in(directory.read("process"));
  ASSERT_EQ(pids.size(), 1u);
  EXPECT_TRUE(ends(pids.front()));
}

TEST(Master, ItsCookieIsInNoCommandLineAndNoEnvironment) {
  const TemporaryDirectory directory;
  ToolInput input;
  input.when_printed = "ready";
  int looked_at = 0;
  input.then = [&](int master) {
    const std::string cookie = directory.read("cookie");
    EXPECT_GE(cookie.size(), 32u);
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      for (const char* name : {"cmdline", "environ"}) {
        const std::string text = text_of_file(entry.path() / name);
        if (text.find(COHORT_TEST_MASTER) != text.npos) looked_at++;
        EXPECT_EQ(text.find(cookie), text.npos) << entry.path() << ' ' << name;
      }
    }
    kill(master, SIGTERM);
  };
  cohort_tool({"run", "-p", "2", COHORT_TEST_MASTER, "cookie", directory.path("cookie")}, input);
  EXPECT_GE(looked_at, 3) << "the master and two workers";
}

TEST(Master, AManagerThatDoesNotReturnDoesNotKeepItFromEnding) {
  const auto result = cohort_tool({"run", "-p", "2", COHORT_TEST_MASTER, "launch-endlessly"});
  EXPECT_EQ(result.code, 7);
  EXPECT_EQ(result.out,
            "launch() of manager 'of the program' did not return within 0.1 s and was given up; workers that are up "
            "stay. timeouts.launch says how long it may take\n");
  EXPECT_EQ(result.err,
            "cohort: not returned after 3 s: launch() of manager 'of the program'; nobody waits for that any "
            "longer\n");
}

// A closed terminal, or Ctrl-\: as by Ctrl-C nothing stays that jobs started.
TEST(Master, WhatJobsStartedEndsByEverySignalThatEndsTheTool) {
  for (const int signal : {SIGHUP, SIGQUIT, SIGTERM, SIGINT}) {
    ToolInput input;
    input.when_printed = "process ";
    input.then = [signal](int pid) { kill(pid, signal); };
    const auto result = cohort_tool(
        {"exec", "--no-prefix", "-p", "1", "--", "sh", "-c", "sleep 1000 > /dev/null 2>&1 & echo process $!; wait"},
        input);
    EXPECT_EQ(result.code, 130) << signal << result.err;
    const auto pids = processes_in(result.out);
    ASSERT_EQ(pids.size(), 1u) << result.out << result.err;
    EXPECT_TRUE(ends(pids.front())) << signal;
  }
}

// What a launcher started in the background stays in its process group, which is ended.
TEST(Master, ASignalDuringTheLaunchEndsWhatWasStartedForIt) {
  const TemporaryDirectory directory;
  const auto launcher = directory.write("launcher",
                                        "#!/bin/sh\nsleep 1000 > /dev/null 2>&1 &\n"
                                        "printf 'process %s\\n' $! $$ > \"$0.started\"\nexec sleep 1000\n");
  std::filesystem::permissions(launcher, std::filesystem::perms::owner_all);
  for (const std::string signal : {"HUP", "QUIT", "TERM", "INT"}) {
    for (const std::string command : {"exec", "map"}) {
      const auto result = run_script("(until [ -s " + launcher + ".started ]; do sleep 0.02; done; kill -" + signal +
                                     " $$) & exec $cohort " + command + " -p 1 -o exename=" + launcher + " -- true x");
      EXPECT_EQ(result.code, 130) << signal;
      EXPECT_EQ(result.err, "cohort: interrupted\n");
      const auto pids = processes_in(directory.read("launcher.started"));
      EXPECT_EQ(pids.size(), 2u);
      for (const int pid : pids) EXPECT_TRUE(ends(pid)) << signal;
      std::filesystem::remove(launcher + ".started");
    }
  }
}

TEST(Master, ASignalWhileWorkersAreWaitedForRemovesTheJoinFile) {
  const TemporaryDirectory directory;
  const auto result = run_script(
      "$cohort exec -m elastic -p 1 -o file=join.json -- true & pid=$!\n"
      "until [ -s join.json ]; do sleep 0.02; done; kill -TERM $pid; wait $pid; echo $?; ls",
      {.dir = directory.path()});
  EXPECT_EQ(result.out, "130\n");
  EXPECT_EQ(result.err, "cohort: interrupted\n");
}

// Files may have no more than 512 bytes.
TEST(Master, ALimitOfFileSizeIsAMessageAndStillEndsThePrograms) {
  const TemporaryDirectory directory;
  const auto own =
      run_script("ulimit -f 1; $cohort exec -p 1 --no-prefix -- seq 10000 > out", {.dir = directory.path()});
  EXPECT_EQ(own.code, 1);
  EXPECT_EQ(own.err, "cohort: cannot write to standard output: File too large\n");
  const auto jobs =
      run_script("ulimit -f 1; $cohort exec -p 1 -- dd if=/dev/zero of=out bs=1000 count=2", {.dir = directory.path()});
  EXPECT_EQ(jobs.code, 1);
  EXPECT_NE(jobs.err.find("cohort: worker 2: killed by signal 25 (File size limit exceeded)"), std::string::npos)
      << jobs.err;
}

TEST(Master, ASignalThatTheToolIsToIgnoreIsIgnored) {
  ToolInput input;
  input.when_printed = "process ";
  const TemporaryDirectory directory;
  const std::string go_on = directory.path("go-on");
  input.then = [&](int pid) {
    kill(pid, SIGHUP);
    kill(pid, SIGINT);
    directory.write("go-on", "");
  };
  const auto script = directory.write("nohup", "trap '' HUP INT\nexec " COHORT_TOOL
                                               " exec --no-prefix -p 1 -- sh -c 'echo process 1; while ! test -e " +
                                                   go_on + "; do sleep 0.02; done; echo end'\n");
  const auto result = cohort_tool({"run", "sh", script}, input);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "process 1\nend\n");
}

}  // namespace
