// The manager mpi, with each implementation of MPI that is here.

#include <array>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../batch/secret_search.hpp"
#include "../cli/tool.hpp"
#include "mpi_bed.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

namespace fs = std::filesystem;

class MpiManagerTest : public testing::TestWithParam<Mpi> {
 protected:
  void SetUp() override {
    if (!GetParam().is_here()) GTEST_SKIP() << GetParam().why_not();
  }
  /// `cohort run -m mpi`, with these arguments.
  ToolResult run(const std::string& arguments) {
    return run_script(
        GetParam().environment() + " $cohort run -m mpi -o mpiexec=mpiexec." + GetParam().name() + ' ' + arguments,
        {.standard_input = "", .dir = directory_.path()});
  }
  ToolResult run_program(int workers, const std::string& arguments = "") {
    return run(GetParam().manager_flags() + " -p " + std::to_string(workers) + " " COHORT_LAUNCHED_PROGRAM " " +
               arguments);
  }
  void expect_nothing_left() const {
    EXPECT_TRUE(contract::eventually([&] { return fs::is_empty(directory_.path()); })) << "its files";
  }
  static std::string host() {
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    return name.data();
  }

  const TemporaryDirectory directory_;
};

TEST_P(MpiManagerTest, MpiexecStartsTheWorkersAndOneThatEndsLeavesTheOthers) {
  const auto result = run_program(3, "lose 7");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, " exited with code 7 on " + host() + " (job mpiexec (launch 1))\nothers: 2\n"))
      << result.out << result.err;
  EXPECT_TRUE(contains(result.out, "lost: process ") && contains(result.out, ": rank ")) << result.out;
  expect_nothing_left();
}

TEST_P(MpiManagerTest, WhatCannotBeStartedFailsTheLaunchAtOnceWithTheWordsOfMpiexec) {
  const auto flag = run("-p 2 -o flags=--no-such-flag " COHORT_LAUNCHED_PROGRAM);
  EXPECT_EQ(flag.code, 20) << flag.err;
  EXPECT_TRUE(contains(flag.err, "job mpiexec (launch 1) has ended: failed (the step exited with code ")) << flag.err;
  EXPECT_TRUE(contains(flag.err, "no-such-flag")) << flag.err;
  expect_nothing_left();
}

TEST_P(MpiManagerTest, ADryRunShowsTheCommandWithHostsAndFlags) {
  const auto result =
      run("-p 3 -o hosts=node1:2,node2 -o flags=--verbose -o 'env={\"OWN\": \"a b\"}' -o "
          "dry_run=true " COHORT_LAUNCHED_PROGRAM);
  const std::string command = GetParam().name() == "openmpi"
                                  ? "mpiexec.openmpi -n 3 --host node1:2,node2 -x OWN --verbose /bin/sh -c "
                                  : "mpiexec.mpich -n 3 -hosts node1:2,node2 --verbose /bin/sh -c ";
  EXPECT_TRUE(contains(result.out, "export OWN='a b'\n" + command)) << result.out << result.err;
  EXPECT_TRUE(contains(result.err, "this was a dry run, and nothing was submitted")) << result.err;
}

// It is in a file that its owner alone can read, and that is removed when all have come.
TEST_P(MpiManagerTest, TheSecretsAreWhereNobodyElseCanReadThem) {
  std::string options = R"(, "mpiexec": "mpiexec.)" + GetParam().name() + '"';
  if (const auto flags = GetParam().manager_flags(); !flags.empty())
    options += R"(, "flags": [")" + flags.substr(flags.find('=') + 1) + R"("])";
  expect_that_no_secret_is_public({.manager = "mpi", .options = options, .environment = GetParam().environment()});
}

INSTANTIATE_TEST_SUITE_P(Mpi, MpiManagerTest, testing::ValuesIn(Mpi::all()), Mpi::name_of);

TEST(MpiManager, WithoutAnMpiexecItSaysWhichCommandIsMissing) {
  const auto asked = cohort_tool({"exec", "-m", "mpi", "-p", "2", "-o", "mpiexec=mpiexec.of.nobody", "true"});
  EXPECT_TRUE(contains(asked.err, "cannot start 'mpiexec.of.nobody'")) << asked.err;
  EXPECT_TRUE(contains(asked.err, "the option 'mpiexec' names the command that starts processes of MPI")) << asked.err;
}

}  // namespace
}  // namespace cohort::test
