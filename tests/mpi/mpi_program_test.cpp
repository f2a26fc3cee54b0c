// MPI programs that use cohort, compiled with each implementation of MPI that is here.

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "../cli/tool.hpp"
#include "mpi_bed.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

class MpiProgramTest : public testing::TestWithParam<Mpi> {
 protected:
  void SetUp() override {
    if (!GetParam().is_here()) GTEST_SKIP() << GetParam().why_not();
    if (!std::filesystem::exists(program()))
      GTEST_SKIP() << "there is no mpicxx." << GetParam().name() << "; scripts/install-dependencies installs it";
  }
  static std::string program() { return COHORT_MPI_PROGRAM + GetParam().name(); }
  ToolResult run(int ranks, const std::string& what = "") {
    return run_script(GetParam().mpiexec() + " -n " + std::to_string(ranks) + ' ' + program() + ' ' + what);
  }
  ToolResult run_workers(const std::string& what) {
    const TemporaryDirectory directory;
    return run_script(GetParam().environment() + " $cohort run -m mpi -o mpiexec=mpiexec." + GetParam().name() + ' ' +
                          GetParam().manager_flags() + " -p 3 " + program() + " workers " + what,
                      {.standard_input = "", .dir = directory.path()});
  }
};

TEST_P(MpiProgramTest, UsesMpiAndCohortSideBySideAndOneClusterAfterTheOther) {
  const auto result = run(5);
  const std::string cluster = "ranks 1:0 2:1 3:2 4:3 5:4\ncohort 10, MPI in functions 10\n";
  EXPECT_EQ(result.out, cluster + cluster + "after it 10\n");
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.code, 0);
}

TEST_P(MpiProgramTest, AThreadLevelThatIsTooLowIsAnErrorOnAllRanksWithTheLineThatIsRight) {
  const auto result = run(2, "init");
  const std::string error =
      "error: MPI works at the thread level MPI_THREAD_SINGLE, and functions of cohort run on other threads than "
      "main()";
  EXPECT_NE(result.out.find(error), result.out.rfind(error)) << result.out;
  EXPECT_TRUE(contains(result.out, "MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &level)")) << result.out;
  EXPECT_TRUE(contains(result.out, "after it 1\n")) << result.out;
}

TEST_P(MpiProgramTest, WhatRankZeroThrowsEndsTheClusterAndTheRanksGoOn) {
  const auto result = run(3, "throw");
  EXPECT_EQ(result.out, "error: the master has had enough\nafter it 3\n") << result.err;
  EXPECT_EQ(result.code, 0);
}

TEST_P(MpiProgramTest, WithoutMpiInitItIsAnError) {
  const auto result = run_script(program() + " without");
  EXPECT_EQ(result.out, "error: a cohort::mpi::Cluster lives between MPI_Init_thread() and MPI_Finalize()\n");
}

TEST_P(MpiProgramTest, ARankThatEndsEndsTheProgram) {
  const auto result = run(3, "die");
  EXPECT_NE(result.code, 0);
  EXPECT_TRUE(contains(result.out, "ranks 1:0 2:1 3:2\n")) << result.out;
  EXPECT_FALSE(contains(result.out, "after it")) << result.out;
}

TEST_P(MpiProgramTest, WorkersOfTheManagerUseMpiAmongThemselves) {
  const auto result = run_workers("");
  EXPECT_EQ(result.out, "3 workers, level good, sum 3\n") << result.err;
  EXPECT_EQ(result.code, 0);
}

// mpiexec of MPICH notices a process that has not called MPI_Finalize, and ends the others; that of Open MPI does not.
TEST_P(MpiProgramTest, AWorkerThatEndsWithoutMpiFinalizeIsNamedEvenIfMpiexecEndsAll) {
  const auto result = run_workers("die");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, " exited with code 5 on ")) << result.out << result.err;
  if (GetParam().name() == "mpich") {
    EXPECT_TRUE(contains(result.err,
                         ": mpiexec has ended all its processes, as one that used MPI did not end by "
                         "MPI_Finalize: PID "))
        << result.err;
  }
}

INSTANTIATE_TEST_SUITE_P(Mpi, MpiProgramTest, testing::ValuesIn(Mpi::all()), Mpi::name_of);

}  // namespace
}  // namespace cohort::test
