#include <cohort/launched.hpp>

#include <cstdlib>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include <cohort/error.hpp>

namespace cohort {
namespace {

using Variables = std::map<std::string, std::string>;

// As mpiexec of Open MPI 4.1.4, MPICH 4.0.2 and srun of Slurm 22.05.8 set them.
const Variables open_mpi{
    {"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "9"}, {"PMIX_NAMESPACE", "1895104513"}};
const Variables pmi{{"PMI_RANK", "3"}, {"PMI_SIZE", "9"}, {"PMI_FD", "6"}};
const Variables step{
    {"SLURM_JOB_ID", "12"}, {"SLURM_STEP_ID", "4"}, {"SLURM_STEP_NUM_TASKS", "2"}, {"SLURM_PROCID", "1"}};
const Variables batch_script{{"SLURM_JOB_ID", "12"}, {"SLURM_NTASKS", "3"}, {"SLURM_PROCID", "0"}};

class LaunchedProcessTest : public testing::Test {
 protected:
  ~LaunchedProcessTest() override { clear(); }
  static void clear() {
    for (const auto& variables : {open_mpi, pmi, step, batch_script})
      for (const auto& [name, value] : variables) ::unsetenv(name.c_str());
    ::unsetenv("SLURM_RESTART_COUNT");
  }
  static std::optional<LaunchedProcess> with(Variables variables, const Variables& more = {}) {
    clear();
    variables.insert(more.begin(), more.end());
    for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
    return launched_process();
  }
  static std::string text(const std::optional<LaunchedProcess>& process) {
    if (!process) return "none";
    return process->launcher + ' ' + std::to_string(process->rank) + '/' + std::to_string(process->size) + ' ' +
           process->run;
  }
};

TEST_F(LaunchedProcessTest, EachLauncherSaysWhichProcessOfWhichRunThisIs) {
  EXPECT_EQ(text(with({})), "none");
  EXPECT_EQ(text(with(open_mpi)), "mpiexec of Open MPI 3/9 openmpi-1895104513");
  EXPECT_EQ(text(with(step)), "srun 1/2 slurm-12.4");
  EXPECT_EQ(text(with(step, {{"SLURM_RESTART_COUNT", "1"}})), "srun 1/2 slurm-12.4-again1");
  EXPECT_EQ(text(with(batch_script)), "none");
  EXPECT_EQ(text(with(pmi)), "mpiexec 3/9 ");
}

// An mpiexec in a job starts its helpers by srun; srun may speak PMI.
TEST_F(LaunchedProcessTest, OfSeveralLaunchersTheInnerOneCounts) {
  EXPECT_EQ(text(with(open_mpi, step)), "mpiexec of Open MPI 3/9 openmpi-1895104513");
  EXPECT_EQ(text(with(pmi, step)), "srun 1/2 slurm-12.4");
  EXPECT_EQ(text(with(pmi, batch_script)), "mpiexec 3/9 ");
}

TEST_F(LaunchedProcessTest, NonsenseIsRefused) {
  for (const std::string rank : {"9", "-1", "x", "3 "}) {
    try {
      with({{"PMI_RANK", rank}, {"PMI_SIZE", "9"}});
      ADD_FAILURE() << rank;
    } catch (const ConfigError& error) {
      EXPECT_NE(std::string(error.what()).find("PMI_RANK and PMI_SIZE"), std::string::npos) << error.what();
    }
  }
}

TEST_F(LaunchedProcessTest, TheRunIsTheNameOfTheFileByWhichTheyMeet) {
  LaunchedProcess process{"mpiexec", 0, 2, "mpich-node1:4711"};
  EXPECT_EQ(meeting_point(process, "/shared/.", ""), "/shared/cohort-mpich-node1_4711.json");
  EXPECT_EQ(meeting_point(process, "/shared", "../a b"), "/shared/cohort-.._a_b.json");
  process.run = "";
  EXPECT_EQ(meeting_point(process, "/shared", "mine"), "/shared/cohort-mine.json");
  EXPECT_THROW(meeting_point(process, "/shared", ""), ConfigError);
}

}  // namespace
}  // namespace cohort
