// Within a job of a scheduler, by what its environment has: the programs that start processes on its hosts are small
// ones here, which start them on this host.

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../cli/tool.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using contract::eventually;
namespace fs = std::filesystem;

class AllocationTest : public testing::Test {
 protected:
  /// `cohort run -m MANAGER`, in this environment, of the test's program. Each call of `starter` is noted.
  ToolResult run(const std::string& manager, const std::string& environment, const std::string& starter,
                 const std::string& arguments = {}) {
    const std::string script =
        programs_.write(starter, "#!/bin/sh\necho \"$*\" >>" + programs_.path("calls") +
                                     "\nwhile [ \"$1\" != /bin/sh ]; do shift; done\nexec \"$@\"\n");
    fs::permissions(script, fs::perms(0755));
    return run_script("PATH=" + programs_.path() + ":$PATH; export " + environment + "; exec $cohort run -m " +
                          manager + " " COHORT_BATCH_PROGRAM " " + arguments,
                      {.standard_input = "", .dir = files_.path()});
  }
  std::string calls() const { return text_of_file(programs_.path("calls")); }
  void expect_nothing_left() {
    EXPECT_TRUE(eventually([&] { return fs::is_empty(files_.path()); })) << "the job's files";
  }

  const TemporaryDirectory programs_, files_;
};

TEST_F(AllocationTest, OfGridEngineHasWorkersOnTheHostsOfItsFile) {
  const std::string hosts = programs_.write("hosts", "h1 2 all.q@h1 UNDEFINED\nh2 1 all.q@h2 UNDEFINED\n");
  const auto result = run("sge", "JOB_ID=1 NSLOTS=3 PE_HOSTFILE=" + hosts, "qrsh", "cause 7");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(result.out.starts_with("workers 3 on ")) << result.out << result.err;
  EXPECT_NE(result.out.find("lost: process 4 exited: exited with code 7 on "), std::string::npos) << result.out;
  EXPECT_TRUE(calls().starts_with("-inherit -nostdin h1 /bin/sh ")) << calls();
  EXPECT_NE(calls().find("-inherit -nostdin h2 /bin/sh "), std::string::npos) << calls();
  expect_nothing_left();
}

TEST_F(AllocationTest, OfPbsHasAWorkerInEachOfItsPlaces) {
  const std::string nodes = programs_.write("nodes", "h1\nh1\nh2\n");
  const auto result = run("pbs", "PBS_JOBID=1.server PBS_NODEFILE=" + nodes, "pbsdsh");
  EXPECT_TRUE(result.out.starts_with("workers 3 on ")) << result.out << result.err;
  EXPECT_NE(calls().find("-n 2 -- /bin/sh "), std::string::npos) << calls();
  expect_nothing_left();
}

TEST_F(AllocationTest, OfPbsOnThisHostAloneNeedsNothingToStartThem) {
  const std::string nodes = programs_.write("nodes", "h1\nh1\n");
  const auto result = run("pbs", "PBS_JOBID=1.server PBS_NODEFILE=" + nodes, "pbsdsh");
  EXPECT_TRUE(result.out.starts_with("workers 2 on ")) << result.out << result.err;
  EXPECT_EQ(calls(), "");
  expect_nothing_left();
}

TEST_F(AllocationTest, OfLsfHasAWorkerForEachNameOfAHost) {
  const auto result = run("lsf", "LSB_JOBID=1 LSB_HOSTS='h1 h1 h2'", "blaunch");
  EXPECT_TRUE(result.out.starts_with("workers 3 on ")) << result.out << result.err;
  EXPECT_NE(calls().find("h2 /bin/sh "), std::string::npos) << calls();
  expect_nothing_left();
}

}  // namespace
}  // namespace cohort::test
