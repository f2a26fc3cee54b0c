#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "test_programs.hpp"
#include "tool.hpp"

namespace {

TEST(Run, TheProgramHasTheWorkersAndItsOwnArguments) {
  const auto result = cohort_tool({"run", "-p", "2", COHORT_TEST_PROGRAM, "0", "--flag", "--"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "workers 2\nargument 0\nargument --flag\nargument --\nsum 5\n");
  EXPECT_EQ(cohort_tool({"run", "-p", "2", "--", COHORT_TEST_PROGRAM, "0", "--flag", "--"}).out, result.out);
}

TEST(Run, FlagsChangeWhatTheFileSays) {
  const TemporaryDirectory directory;
  const auto file = directory.write("c.json", R"({"version": 1, "managers": [{"plugin": "local", "count": 3}]})");
  EXPECT_EQ(cohort_tool({"run", "-f", file, COHORT_TEST_PROGRAM}).out, "workers 3\nsum 5\n");
  EXPECT_EQ(cohort_tool({"run", "-f", file, "-p", "1", "--topology", "master_worker", COHORT_TEST_PROGRAM}).out,
            "workers 1\nsum 5\n");
}

TEST(Run, AProgramTakesAClusterByItsOwnFlagsToo) {
  const TemporaryDirectory directory;
  const auto file = directory.write("c.json", R"({"version": 1, "managers": [{"plugin": "local", "count": 1}]})");
  const auto run = [](const std::string& flags) { return run_script(COHORT_TEST_PROGRAM " " + flags); };
  EXPECT_EQ(run("--cohort-procs=2 0 --other --cohort-topology=ring").out,
            "workers 2\nargument 0\nargument --other\nsum 5\n");
  EXPECT_EQ(run("--cohort-cluster=" + file + " --cohort-procs=2 --cohort-lazy").out, "workers 3\nsum 5\n");
  EXPECT_EQ(run("--cohort-procs=1 --cohort-load=" COHORT_TEST_MODULES "/statistics.so 0 --twice").out.substr(0, 10),
            "workers 1\n");
  for (const std::string flags :
       {"--cohort-topology=ring", "--cohort-lazy", "--cohort-procs=many", "--cohort-cluster=none.json",
        "--cohort-procs=1 --cohort-topology=rong", "--cohort-procs=1 --cohort-unknown"}) {
    const auto refused = run(flags);
    EXPECT_EQ(refused.code, 3) << flags << refused.err;
    EXPECT_EQ(refused.err.find("cohort: "), 0U) << refused.err;
  }
}

TEST(Run, AProgramsOwnFlagsAreToldByTheirNames) {
  const auto run = [](const std::string& flags) { return run_script(COHORT_TEST_PROGRAM " " + flags); };
  for (const std::string count : {"x", "", "-1", "3 ", "1.5", "99999999999", "\"auto\""}) {
    const auto refused = run("'--cohort-procs=" + count + "'");
    EXPECT_EQ(refused.code, 3);
    EXPECT_EQ(refused.err, "cohort: --cohort-procs wants a number of workers or 'auto', not '" + count + "'\n");
  }
  const std::string no_effect = "cohort: --cohort-lazy and --cohort-no-lazy have no effect: in the topology ring ";
  EXPECT_TRUE(run("--cohort-procs=1 --cohort-topology=ring --cohort-lazy").err.starts_with(no_effect));
  EXPECT_EQ(run("--cohort-procs=1 --cohort-no-lazy").err, "");
}

TEST(Run, AnEmptyNameIsShown) {
  const auto run = cohort_tool({"run", "-p", "1", "--", ""});
  EXPECT_EQ(run.code, 127);
  EXPECT_EQ(run.err, "cohort: cannot run '': No such file or directory\n");
  for (const std::string command : {"exec", "map"}) {
    const auto result = cohort_tool({command, "-p", "1", "--", "", ":::", "x"});
    EXPECT_NE(result.err.find("cannot start '': the program's name is empty\n"), std::string::npos) << result.err;
  }
}

TEST(Run, TheExitStatusIsTheProgramsOwn) {
  EXPECT_EQ(cohort_tool({"run", "-p", "1", COHORT_TEST_PROGRAM, "42"}).code, 42);
  EXPECT_EQ(cohort_tool({"run", "-p", "1", "sh", "-c", "kill -TERM $$"}).code, 128 + 15);
  EXPECT_EQ(cohort_tool({"run", "-p", "1", "no-such-program"}).code, 127);
  const auto directory = cohort_tool({"run", "-p", "1", "/"});
  EXPECT_EQ(directory.code, 126);
  EXPECT_NE(directory.err.find("cohort: cannot run /: "), std::string::npos) << directory.err;
}

TEST(Run, AWrongClusterIsToldBeforeTheProgramStarts) {
  const auto option = cohort_tool({"run", "-m", "local", "-o", "cuont=2", "echo", "started"});
  EXPECT_EQ(option.code, 3);
  EXPECT_EQ(option.out, "");
  EXPECT_NE(option.err.find("did you mean 'count'?"), std::string::npos) << option.err;
  EXPECT_EQ(cohort_tool({"run", "--set", "timeouts.launch=2", "-p", "1", "true"}).code, 3);
  EXPECT_EQ(cohort_tool({"run", "-f", "missing.json", "true"}).code, 3);
}

TEST(Run, LaunchFailuresAreExitCode20) {
  EXPECT_EQ(cohort_tool({"run", "-p", "1", "-o", "exename=/no/such/program", COHORT_TEST_PROGRAM}).code, 20);
  EXPECT_EQ(cohort_tool({"exec", "-p", "1", "-o", "exename=/no/such/program", "true"}).code, 20);
}

TEST(Run, DryRunPrintsTheClusterAndTheCommand) {
  const auto result = cohort_tool({"run", "--dry-run", "-m", "local", "-o", "threads=2", "-o", "dir=7", "-p", "3",
                                   "--no-lazy", "--set", "timeouts.launch=2m", "echo", "two words"});
  EXPECT_EQ(result.code, 0) << result.err;
  const auto end = result.out.rfind("echo");
  EXPECT_EQ(result.out.substr(end), "echo 'two words'\n");
  const auto cluster = nlohmann::json::parse(result.out.substr(0, end));
  EXPECT_EQ(cluster.at("managers").at(0).at("count"), 3);
  EXPECT_EQ(cluster.at("managers").at(0).at("options").at("threads"), 2);
  EXPECT_EQ(cluster.at("managers").at(0).at("options").at("dir"), "7");
  EXPECT_EQ(cluster.at("lazy"), false);
  EXPECT_EQ(cluster.at("timeouts").at("launch"), "2m");
}

TEST(Run, AnotherOneInsideHasAClusterOfItsOwn) {
  const auto result = run_script("$cohort run -p 2 $cohort run -p 3 $cohort exec -- echo here");
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(lines_of(result.out).size(), 3u) << result.out;
  EXPECT_EQ(result.err, "");
}

TEST(Run, AFileWithoutManagersHasNoWorkers) {
  const TemporaryDirectory directory;
  const std::string file = directory.write("c.json", R"({"version": 1, "managers": []})");
  const auto result = cohort_tool({"exec", "-f", file, "--", "true"});
  EXPECT_EQ(result.code, 20);
  EXPECT_EQ(result.err, "cohort: the cluster has no workers\n");
  EXPECT_EQ(cohort_tool({"run", "-f", file, "--dry-run", "true"}).code, 0);
}

TEST(Worker, SaysThatItsMasterIsGone) {
  const TemporaryDirectory directory;
  ToolInput input;
  input.dir = directory.path();
  const auto result = run_script(
      "$cohort exec -m elastic -o count=1 -o file=j.json -- "
      "sh -c 'until [ -s master.pid ]; do sleep 0.02; done; kill -9 `cat master.pid`' > exec.out 2>&1 &\n"
      "echo $! > master.pid\n"
      "until [ -s j.json ]; do sleep 0.02; done\n"
      "$cohort worker --join j.json",
      input);
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("the master is gone: "), std::string::npos) << result.err << directory.read("exec.out");
}

TEST(Worker, AProgramThatNeverJoinsIsTold) {
  const TemporaryDirectory directory;
  ToolInput input;
  input.dir = directory.path();
  const auto result = run_script(
      "$cohort exec -m elastic -o count=1 -o file=j.json -- true > exec.out 2>&1 & master=$!\n"
      "until [ -s j.json ]; do sleep 0.02; done\n"
      "$cohort worker --join j.json true\n"
      "kill $master; wait $master",
      input);
  EXPECT_EQ(result.err,
            "cohort: 'true' ended without having joined the cluster: nothing in it made a cohort::Session\n");
}

TEST(Run, AProgramThatNeverTakesTheClusterOverIsTold) {
  const auto never = cohort_tool({"run", "-p", "4", "sh", "-c", "echo here; exit 5"});
  EXPECT_EQ(never.code, 5);
  EXPECT_EQ(never.out, "here\n");
  EXPECT_TRUE(
      never.err.starts_with("cohort: no workers were started: 'sh' ended, and nothing in it made a "
                            "cohort::Session"))
      << never.err;
  const auto killed = cohort_tool({"run", "-p", "4", "sh", "-c", "kill -KILL $$"});
  EXPECT_NE(killed.err.find("no workers were started"), std::string::npos) << killed.err;

  EXPECT_EQ(cohort_tool({"run", "-p", "1", COHORT_TEST_PROGRAM}).err, "");
  EXPECT_EQ(cohort_tool({"run", "-p", "1", "sh", "-c", "true; " COHORT_TEST_PROGRAM "; true"}).err, "");
  EXPECT_EQ(lines_of(cohort_tool({"run", "-p", "1", "no-such-program"}).err).size(), 1u);
}

TEST(Run, WhatWatchesTheProgramIsNoChildOfIt) {
  // A program that waits for all its children would else wait for ever, and Python's for one that it does not know.
  const auto result = cohort_tool({"run", "-p", "1", "sh", "-c", "cat /proc/$$/task/$$/children; echo; exec true"});
  EXPECT_EQ(result.out.find_first_not_of("0123456789 \n"), result.out.npos) << result.out;
  EXPECT_EQ(lines_of(result.out).size(), 1u) << "the only child is cat: " << result.out;
}

TEST(Run, AProgramOfThisDirectoryIsHintedAt) {
  const TemporaryDirectory directory;
  directory.write("heads", "");
  const auto result = cohort_tool({"run", "-p", "1", "heads"}, {.dir = directory.path()});
  EXPECT_EQ(result.code, 127);
  EXPECT_EQ(result.err,
            "cohort: cannot run heads: No such file or directory in PATH; there is one in this directory: ./heads\n");
}

const std::string modules = COHORT_TEST_MODULES;

TEST(Run, ModulesAreLoadedEverywhere) {
  const TemporaryDirectory directory;
  const auto statistics = modules + "/statistics.so";
  const std::string expected = "workers 1\nargument 0\nargument --twice\nsum 5\ntwice 5\n";
  const auto flag = cohort_tool({"run", "-p", "1", "-L", statistics, COHORT_TEST_PROGRAM, "0", "--twice"});
  EXPECT_EQ(flag.out, expected) << flag.err;
  const auto own_flag =
      cohort_tool({"run", "-p", "1", COHORT_TEST_PROGRAM, "0", "--twice", "--cohort-load=" + statistics});
  EXPECT_EQ(own_flag.out, expected) << own_flag.err;
  std::filesystem::copy_file(statistics, directory.path("beside.so"));
  const auto file = directory.write(
      "c.json", R"({"version": 1, "managers": [{"plugin": "local", "count": 1}], "modules": ["beside.so"]})");
  const auto in_file = cohort_tool({"run", "-f", file, COHORT_TEST_PROGRAM, "0", "--twice"});
  EXPECT_EQ(in_file.out, expected) << in_file.err;
}

TEST(Run, AModuleThatIsNoneIsToldBeforeTheProgramStarts) {
  const auto missing = cohort_tool({"run", "-p", "1", "-L", "missing.so", "echo", "started"});
  EXPECT_EQ(missing.code, 4);
  EXPECT_EQ(missing.out, "");
  EXPECT_NE(missing.err.find("cannot load the module missing.so: No such file"), std::string::npos) << missing.err;
  EXPECT_NE(missing.err.find("looked for in /"), std::string::npos) << missing.err;
  const auto broken = cohort_tool({"run", "-p", "1", "-L", modules + "/undefined_symbol.so", COHORT_TEST_PROGRAM});
  EXPECT_EQ(broken.code, 4);
  EXPECT_NE(broken.err.find("undefined symbol"), std::string::npos) << broken.err;
  EXPECT_EQ(cohort_tool({"run", "-p", "1", "-L", modules + "/workers_refuse.so", COHORT_TEST_PROGRAM}).code, 20);
}

TEST(Run, AToolInsideUsesTheWorkersItWasGiven) {
  const auto result = cohort_tool({"run", "-p", "3", COHORT_TOOL, "exec", "--", "echo", "here"});
  EXPECT_EQ(lines_of(result.out).size(), 3u) << result.out << result.err;
}

// What stands between the tool and the program closes descriptors, or has the number for another file.
TEST(Run, AClusterThatWasLostOnTheWayIsAnErrorAndNoOtherFileIsTakenForIt) {
  const TemporaryDirectory directory;
  const auto other = directory.write("other.json", R"({"version": 1, "managers": [{"plugin": "local", "count": 1}]})");
  for (const std::string& redirection : {std::string("<&-"), "< " + other}) {
    const auto result = cohort_tool(
        {"run", "-p", "2", "sh", "-c",
         "eval \"exec ${COHORT_HANDOVER%%:*}" + redirection + "\"; exec " COHORT_TOOL " exec -- echo started"});
    EXPECT_EQ(result.code, 3) << redirection << result.err;
    EXPECT_EQ(result.out, "") << redirection;
    EXPECT_TRUE(
        result.err.starts_with("cohort: the cluster that `cohort run` handed over to this program is not there "
                               "any more: what stands between the two closed descriptor "))
        << redirection << ": " << result.err;
  }
  for (const char* value : {"7", "x:y", "0:", "1:1234", "99999999999:ab"}) {
    const auto result = cohort_tool({"run", "-p", "2", "env", std::string("COHORT_HANDOVER=") + value, COHORT_TOOL,
                                     "exec", "--", "echo", "started"});
    EXPECT_EQ(result.code, 3) << value << result.err;
    EXPECT_NE(result.err.find("handed over to this program is not there"), std::string::npos) << result.err;
  }
}

}  // namespace
