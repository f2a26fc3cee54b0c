#include <gtest/gtest.h>
#include <signal.h>

#include "test_programs.hpp"
#include "tool.hpp"

namespace {

using Lines = std::vector<std::string>;

TEST(Exec, EveryWorkerRunsTheCommandAndItsLinesSayWhose) {
  const auto result = cohort_tool({"exec", "-p", "2", "--", "sh", "-c", "echo out; printf err >&2"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(sorted(lines_of(result.out)), (Lines{"      From worker 2:\tout", "      From worker 3:\tout"}));
  EXPECT_EQ(sorted(lines_of(result.err)), (Lines{"      From worker 2:\terr", "      From worker 3:\terr"}));
  EXPECT_EQ(cohort_tool({"exec", "-p", "2", "--no-prefix", "echo", "x"}).out, "x\nx\n");
}

TEST(Exec, FailuresAreToldForEachWorker) {
  const TemporaryDirectory directory;
  const auto one = cohort_tool({"exec", "-p", "2", "mkdir", directory.path("once")});
  EXPECT_EQ(one.code, 1);
  EXPECT_NE(one.err.find(": exited with code 1"), std::string::npos) << one.err;

  const auto all = cohort_tool({"exec", "-p", "2", "--", "sh", "-c", "exit 3"});
  EXPECT_EQ(all.code, 1);
  EXPECT_EQ(all.err, "cohort: worker 2: exited with code 3\ncohort: worker 3: exited with code 3\n");
  EXPECT_NE(cohort_tool({"exec", "-p", "1", "no-such-program"}).err.find("'no-such-program'"), std::string::npos);
}

TEST(Exec, MinSaysHowManyWorkersAreEnough) {
  const TemporaryDirectory directory;
  const std::string launcher =
      directory.write("launcher", "#!/bin/sh\nmkdir \"$0.once\" 2>/dev/null && exit 3\nexec " COHORT_TOOL " \"$@\"\n");
  std::filesystem::permissions(launcher, std::filesystem::perms::owner_all);
  const auto with = [&](const std::string& min) {
    return cohort_tool({"exec", "-p", "3", "--min", min, "-o", "exename=" + launcher, "--no-prefix", "echo", "x"});
  };
  const auto enough = with("50%");
  EXPECT_EQ(enough.code, 0) << enough.err;
  EXPECT_EQ(enough.out, "x\nx\n");
  EXPECT_NE(enough.err.find("2 of 3 workers"), std::string::npos) << enough.err;

  std::filesystem::remove_all(launcher + ".once");
  const auto too_few = with("all");
  EXPECT_EQ(too_few.code, 20);
  EXPECT_EQ(too_few.out, "");
  EXPECT_NE(too_few.err.find("exited with code 3"), std::string::npos) << too_few.err;
  EXPECT_EQ(with("half").code, 3);
}

TEST(Exec, AKilledWorkerIsAFailureWithItsCause) {
  const auto result = cohort_tool({"exec", "-p", "1", "--", "sh", "-c", "kill -KILL $PPID; sleep 0.1"});
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("worker 2: killed by signal 9"), std::string::npos) << result.err;
}

// It is read in many pieces.
TEST(Exec, ALongLineStaysWhole) {
  const std::string size = "500000";
  const auto result = cohort_tool({"exec", "-p", "1", "--no-prefix", "--", "sh", "-c",
                                   "echo a; head -c " + size + " /dev/zero | tr '\\0' x; echo; echo b; head -c " +
                                       size + " /dev/zero | tr '\\0' y"});
  EXPECT_EQ(result.code, 0);
  EXPECT_TRUE(result.out == "a\n" + std::string(500'000, 'x') + "\nb\n" + std::string(500'000, 'y') + "\n");
}

TEST(Exec, LinesComeWhileTheCommandRuns) {
  const TemporaryDirectory directory;
  ToolInput input;
  input.when_printed = "started";
  input.then = [&](int) { directory.write("go", ""); };
  const std::string script = "echo started; until [ -e " + directory.path("go") + " ]; do sleep 0.01; done; echo done";
  const auto result = cohort_tool({"exec", "-p", "1", "--no-prefix", "--", "sh", "-c", script}, input);
  EXPECT_EQ(result.out, "started\ndone\n");
}

TEST(Exec, CtrlCEndsTheCommands) {
  const TemporaryDirectory directory;
  ToolInput input;
  input.when_printed = "started";
  input.then = [](int pid) { kill(pid, SIGINT); };
  const std::string script =
      "trap 'touch " + directory.path("ended") + "; exit' TERM; echo started; while :; do sleep 0.05; done";
  const auto result = cohort_tool({"exec", "-p", "1", "--", "sh", "-c", script}, input);
  EXPECT_EQ(result.code, 130);
  EXPECT_NE(result.err.find("cohort: interrupted"), std::string::npos) << result.err;
  EXPECT_TRUE(std::filesystem::exists(directory.path("ended")));
}

TEST(Exec, WhereWorkersAreElsewhereTheirHostsAreNamed) {
  if (run_script("unshare --uts true 2>/dev/null").code != 0) GTEST_SKIP() << "no right to a host name of one's own";
  const TemporaryDirectory directory;
  const auto launcher = directory.write(
      "launcher", "#!/bin/sh\nexec unshare --uts sh -c 'hostname far; exec \"$0\" \"$@\"' " COHORT_TOOL " \"$@\"\n");
  std::filesystem::permissions(launcher, std::filesystem::perms::owner_all);
  const auto result =
      cohort_tool({"exec", "-p", "2", "-o", "exename=" + launcher, "--", "sh", "-c", "echo out; exit 3"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(sorted(lines_of(result.out)),
            (Lines{"      From worker 2 on far:\tout", "      From worker 3 on far:\tout"}));
  EXPECT_EQ(result.err, "cohort: worker 2 on far: exited with code 3\ncohort: worker 3 on far: exited with code 3\n");
}

TEST(Exec, ModulesAreLoadedInTheOrderOfTheFlags) {
  // The modules note themselves in the environment: of the master, which the worker inherits, and then of the worker.
  const std::string modules = COHORT_TEST_MODULES;
  const std::string expected = "statistics;versioned1;statistics;versioned1;\n";
  const auto result = cohort_tool({"exec", "-p", "1", "--no-prefix", "-L", modules + "/statistics.so", "-L",
                                   modules + "/versioned1.so", "--", "printenv", "COHORT_TEST_LOADED"});
  EXPECT_EQ(result.out, expected) << result.err;
  const auto mapped = cohort_tool({"map", "-p", "1", "-L", modules + "/statistics.so", "-L", modules + "/versioned1.so",
                                   "--", "printenv", ":::", "COHORT_TEST_LOADED"});
  EXPECT_EQ(mapped.out, expected) << mapped.err;
  const auto inside = cohort_tool({"run", "-p", "1", COHORT_TOOL, "exec", "--no-prefix", "-L",
                                   modules + "/statistics.so", "--", "printenv", "COHORT_TEST_LOADED"});
  EXPECT_EQ(inside.out, "statistics;\n") << inside.err;  // the worker was there before
}

}  // namespace
