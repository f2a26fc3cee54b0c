// cohort plugin test and cohort plugin new: what those who write plugins use.

#include <gtest/gtest.h>

#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "test_programs.hpp"
#include "tool.hpp"

namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string fixture(const std::string& place, const std::string& name) {
  return COHORT_TEST_PLUGINS "/" + place + "/libcohort_" + name + ".so";
}

/// The only test that ran.
Json the_result(const ToolResult& run) {
  const auto document = Json::parse(run.out);
  EXPECT_EQ(document.at("schema_version"), 1);
  EXPECT_EQ(document.at("tests").size(), 1u) << run.out;
  return document.at("tests").at(0);
}

std::string messages(const Json& result) { return result.at("messages").dump(); }

TEST(PluginTest, ListsTheTestsOfThePluginsKind) {
  const auto managers = cohort_tool({"plugin", "test", "local", "--list"});
  EXPECT_EQ(managers.code, 0) << managers.err;
  EXPECT_TRUE(contains(managers.out, "AWorkerJoinsAndAnswers\n")) << managers.out;
  const auto transports = cohort_tool({"plugin", "test", "tcp", "--list"});
  EXPECT_TRUE(contains(transports.out, "AcceptDoesNotWait\n")) << transports.out;
  EXPECT_FALSE(contains(transports.out, "AWorkerJoinsAndAnswers"));
  const auto some = Json::parse(cohort_tool({"plugin", "test", "tcp", "--list", "--json", "--filter", "Accept*"}).out);
  EXPECT_EQ(some.at("tests"), Json::array({"AcceptDoesNotWait"}));
}

TEST(PluginTest, AManagerThatDoesAllPasses) {
  const auto run = cohort_tool(
      {"plugin", "test", fixture("good", "manager_starter"), "--filter", "A*", "--options", R"({"env": {}})"});
  EXPECT_EQ(run.code, 0) << run.out;
  EXPECT_TRUE(contains(run.out, "manager 'starter'")) << run.out;
  EXPECT_TRUE(contains(run.out, "  passed   AWorkerJoinsAndAnswers")) << run.out;
  EXPECT_TRUE(contains(run.out, " 0 failed, 0 skipped\n")) << run.out;
}

TEST(PluginTest, ATransportThatDoesAllPasses) {
  const auto run = cohort_tool({"plugin", "test", fixture("good", "transport_courier"), "--filter", "*Gone", "--json"});
  EXPECT_EQ(run.code, 0) << run.out;
  const auto result = the_result(run);
  EXPECT_EQ(result.at("name"), "NothingIsLeftOfWhatIsGone");
  EXPECT_EQ(result.at("outcome"), "passed");
}

TEST(PluginTest, WorkersAreReachedByTheTransportThatIsGiven) {
  const auto run = cohort_tool(
      {"plugin", "test", "local", "--transport", fixture("good", "transport_courier"), "--filter", "AWorkerJoins*"});
  EXPECT_EQ(run.code, 0) << run.out;
  const auto broken = cohort_tool(
      {"plugin", "test", "local", "--transport", fixture("good", "transport_sample"), "--filter", "AWorkerJoins*"});
  EXPECT_EQ(broken.code, 1);
  EXPECT_TRUE(contains(broken.out, "nobody can listen")) << broken.out;
}

TEST(PluginTest, WhatDoesNotHoldIsToldWithThePlace) {
  const auto run =
      cohort_tool({"plugin", "test", fixture("good", "manager_sample"), "--filter", "SeveralWorkersJoin*"});
  EXPECT_EQ(run.code, 1);
  EXPECT_TRUE(contains(run.out, "  FAILED   SeveralWorkersJoinAndReachEachOther")) << run.out;
  EXPECT_TRUE(contains(run.out, "manager_suite.cpp:")) << run.out;
  EXPECT_TRUE(contains(run.out, "1 test: 0 passed, 1 failed, 0 skipped\n")) << run.out;
}

TEST(PluginTest, ATestThatHangsEndsByItsTimeLimit) {
  const auto run = cohort_tool(
      {"plugin", "test", fixture("bad", "manager_hanging"), "--filter", "AWorkerJoins*", "--timeout", "1s", "--json"});
  EXPECT_EQ(run.code, 1);
  const auto result = the_result(run);
  EXPECT_EQ(result.at("outcome"), "failed");
  EXPECT_TRUE(contains(messages(result), "it did not end within 1s")) << messages(result);
}

TEST(PluginTest, ATransportForOneProcessIsToldOfTheFlag) {
  const auto run = cohort_tool({"plugin", "test", "inproc", "--filter", "APeerThatIsKilled*", "--timeout", "40s"});
  EXPECT_EQ(run.code, 1);
  EXPECT_TRUE(contains(run.out, "another process cannot connect to inproc:")) << run.out;
  EXPECT_TRUE(contains(run.out, "is tested with --one-process")) << run.out;
  const auto one = cohort_tool({"plugin", "test", "inproc", "--filter", "APeerThatIsKilled*", "--one-process"});
  EXPECT_EQ(one.code, 0) << one.out;
}

TEST(PluginTest, ItEndsWhenNobodyReadsTheResults) {
  const std::string command =
      COHORT_TOOL " plugin test --filter 'AWorkerJoins*' --timeout 10m " + fixture("bad", "manager_hanging");
  std::FILE* results = popen(command.c_str(), "r");
  ASSERT_NE(results, nullptr);
  char line[256] = "";
  EXPECT_NE(std::fgets(line, sizeof line, results), nullptr);
  EXPECT_TRUE(contains(line, "manager 'hanging'")) << line;
  EXPECT_EQ(WEXITSTATUS(pclose(results)), 141) << "the test itself hangs";
}

TEST(PluginTest, ACrashSpoilsOneTestOnly) {
  const auto run =
      cohort_tool({"plugin", "test", fixture("bad", "manager_crashing"), "--filter", "AnUnknown*", "--json"});
  EXPECT_EQ(the_result(run).at("outcome"), "passed") << "an option is refused before anything is launched";
  const auto crashed =
      cohort_tool({"plugin", "test", fixture("bad", "manager_crashing"), "--filter", "AWorkerJoins*", "--json"});
  EXPECT_EQ(crashed.code, 1);
  EXPECT_TRUE(contains(messages(the_result(crashed)), "killed by signal 6")) << crashed.out;
}

TEST(PluginTest, WhatATestLeavesBehindIsAFailureAndRemoved) {
  const auto run =
      cohort_tool({"plugin", "test", fixture("bad", "manager_leaving"), "--filter", "NoWorkers*", "--json"});
  EXPECT_EQ(run.code, 1);
  const std::string told = messages(the_result(run));
  EXPECT_TRUE(contains(told, "left behind: process ")) << told;
  EXPECT_TRUE(contains(told, ": sleep 1000")) << told;
  EXPECT_TRUE(contains(told, "left behind: a file in $TMPDIR, forgotten")) << told;
  const std::string number = told.substr(told.find("process ") + 8);
  EXPECT_FALSE(std::filesystem::exists("/proc/" + number.substr(0, number.find(':'))));
}

TEST(PluginTest, WrongUseIsToldByTheExitStatus) {
  EXPECT_EQ(cohort_tool({"plugin", "test", fixture("bad", "manager_wrong_abi")}).code, 4);
  EXPECT_EQ(cohort_tool({"plugin", "test", "local", "--options", R"({"thraeds": 1})"}).code, 3);
  EXPECT_EQ(cohort_tool({"plugin", "test", "local", "--options", "{"}).code, 3);
  EXPECT_EQ(cohort_tool({"plugin", "test", "local", "--filter", "NoSuchTest*"}).code, 2);
  EXPECT_EQ(cohort_tool({"plugin", "test", "local", "--timeout", "5"}).code, 2);
}

TEST(PluginTest, ALaunchThatHangsIsToldToTheUser) {
  const auto run =
      cohort_tool({"exec", "-m", fixture("bad", "manager_hanging"), "--set", "timeouts.launch=300ms", "--", "true"});
  EXPECT_EQ(run.code, 20);
  EXPECT_TRUE(contains(run.err, "did not return within 0.3 s")) << run.err;
  EXPECT_TRUE(contains(run.err, "hanging")) << run.err;
}

TEST(PluginNew, WritesAProjectUnderTheGivenName) {
  for (const std::string kind : {"manager", "transport"}) {
    const TemporaryDirectory directory;
    const auto run = cohort_tool({"plugin", "new", kind, "site_2b"}, {.dir = directory.path()});
    EXPECT_EQ(run.code, 0) << run.err;
    const std::string source = directory.read("site_2b/site_2b.cpp");
    EXPECT_TRUE(contains(source, "class Site2b final")) << source;
    EXPECT_TRUE(contains(source, "(\"site_2b\", Site2b, \"0.1.0\", options)")) << source;
    for (const std::string name : {"site_2b.cpp", "site_2b_test.cpp", "CMakeLists.txt", "README.md"}) {
      const std::string text = directory.read("site_2b/" + name);
      EXPECT_TRUE(contains(run.out, "site_2b/" + name + "\n")) << run.out;
      EXPECT_TRUE(contains(text, "site_2b")) << text;
      for (const std::string part : {"starter", "Starter", "courier", "Courier"})
        EXPECT_FALSE(contains(text, part)) << text;
    }
  }
}

TEST(PluginNew, WritesADriverUnderTheGivenName) {
  const TemporaryDirectory directory;
  const auto run = cohort_tool({"plugin", "new", "queue-driver", "site_2b"}, {.dir = directory.path()});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_TRUE(contains(run.out, "ctest --test-dir ./site_2b/build\n")) << run.out;
  EXPECT_TRUE(contains(directory.read("site_2b/site_2b.cpp"),
                       "(\"site_2b\", cohort::batch::JobManager<Site2bDriver>, \"0.1.0\", site_2b_options)"));
  for (const std::string name :
       {"site_2b.cpp", "site_2b_driver.hpp", "site_2b_driver.cpp", "site_2b_test.cpp", "CMakeLists.txt", "README.md"}) {
    const std::string text = directory.read("site_2b/" + name);
    EXPECT_TRUE(contains(run.out, "site_2b/" + name + "\n")) << run.out;
    EXPECT_TRUE(contains(text, "site_2b")) << text;
    for (const std::string part : {"foreman", "Foreman"}) EXPECT_FALSE(contains(text, part)) << text;
  }
}

// As one that was copied in part: the dynamic linker maps what is not there, and whoever touches that gets SIGBUS.
TEST(Plugin, AModuleThatIsCutIsExitCode4) {
  const TemporaryDirectory directory;
  const std::string whole = text_of_file(COHORT_TEST_MODULES "/statistics.so");
  for (const std::size_t size : {100u, 5000u, 20000u}) {
    ASSERT_LT(size, whole.size());
    const auto cut = directory.write("cut.so", whole.substr(0, size));
    const auto run = cohort_tool({"exec", "-p", "1", "-L", cut, "--", "true"});
    EXPECT_EQ(run.code, 4) << size;
    EXPECT_TRUE(contains(run.err, "cannot load the module " + cut + ": it is a damaged ELF file")) << run.err;
  }
}

TEST(Plugin, ALinkToItselfIsExitCode4) {
  const TemporaryDirectory directory;
  std::filesystem::create_symlink("loop", directory.path("loop"));
  const auto run = cohort_tool({"plugin", "info", directory.path("loop")});
  EXPECT_EQ(run.code, 4);
  EXPECT_TRUE(contains(run.err, "cannot be read: Too many levels of symbolic links")) << run.err;
}

TEST(PluginTest, ASignalEndsTheTestsAndLeavesNothing) {
  const TemporaryDirectory directory;
  ToolInput input;
  input.when_printed = "manager 'local'";
  input.then = [&](int pid) {
    for (const auto end = std::chrono::steady_clock::now() + 20s; std::filesystem::is_empty(directory.path());)
      if (std::chrono::steady_clock::now() > end) break;
    kill(pid, SIGTERM);
  };
  const auto run = run_script("TMPDIR=" + directory.path() + " exec $cohort plugin test local", input);
  EXPECT_EQ(run.code, 130) << run.err;
  EXPECT_EQ(run.err, "cohort: interrupted\n");
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(PluginNew, NothingIsWrittenOver) {
  const TemporaryDirectory directory;
  const auto there = directory.write("there", "mine");
  const auto run = cohort_tool({"plugin", "new", "manager", "x", "--dir", there});
  EXPECT_EQ(run.code, 1);
  EXPECT_TRUE(contains(run.err, there + " is there already")) << run.err;
  EXPECT_EQ(cohort_tool({"plugin", "new", "manager", "x", "--dir", directory.path()}).code, 1);
  EXPECT_EQ(directory.read("there"), "mine");
  EXPECT_EQ(cohort_tool({"plugin", "new", "manager", "x", "--dir", directory.path("a/b")}).code, 0);
  EXPECT_TRUE(contains(directory.read("a/b/x.cpp"), "class X final"));
}

TEST(PluginNew, NamesAndKindsAreChecked) {
  for (const std::string name : {"", "Site", "2b", "a-b", "../x", "a b"})
    EXPECT_EQ(cohort_tool({"plugin", "new", "manager", name}).code, 2) << name;
  EXPECT_EQ(cohort_tool({"plugin", "new", "scheduler", "x"}).code, 2);
}

}  // namespace
