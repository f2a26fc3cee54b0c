// cohort doctor -m slurm against a real Slurm.

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../cli/tool.hpp"
#include "slurm_bed.hpp"

namespace cohort::test {
namespace {

using contract::eventually;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class SlurmDoctorTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!bed_.runs()) GTEST_SKIP() << "there is no Slurm here; scripts/install-dependencies installs it";
  }

  ToolResult doctor(const std::string& flags) {
    return run_script("$cohort doctor -m slurm " + flags, {.standard_input = "", .dir = files_.path()});
  }
  /// It has this finding: "partition BAD closed is not up".
  static void expect_finding(const ToolResult& result, const std::string& expected) {
    std::string found;
    for (std::string line : lines_of(result.out)) {
      for (auto at = line.find("  "); at != line.npos; at = line.find("  ")) line.erase(at, 1);
      if (line.starts_with(expected)) return;
      found += line + '\n';
    }
    ADD_FAILURE() << "no line begins with '" << expected << "':\n" << found << result.err;
  }

  SlurmBed bed_;
  const TemporaryDirectory files_;
};

TEST_F(SlurmDoctorTest, SaysWhatHindersJobsAndLeavesNone) {
  const auto good = doctor("-o walltime=30m -o listen=127.0.0.1");
  EXPECT_EQ(good.code, 0) << good.err;
  for (const auto& line : std::vector<std::string>{
           "commands ok ", "controller ok ", "submission ok sbatch: Job ", "partition ok all is up",
           "walltime ok 00:30:00; all allows 01:00:00", "files ok " + files_.path(), "job ok a worker on ",
           "address ok 127.0.0.1:", "slurm is ready"})
    expect_finding(good, line);

  const auto nowhere = doctor("-o partition=nowhere");
  EXPECT_EQ(nowhere.code, 1);
  expect_finding(nowhere, "submission BAD sbatch: error: invalid partition specified: nowhere");
  expect_finding(nowhere, " partitions that are up: all, short, urgent ");
  expect_finding(nowhere, "partition - submission first");
  expect_finding(nowhere, "job - ");

  const auto closed = doctor("-o partition=closed -o walltime=2h");
  EXPECT_EQ(closed.code, 1);
  expect_finding(closed, "submission ok ");
  expect_finding(closed, "partition BAD closed is not up");
  expect_finding(closed, "walltime BAD 02:00:00 is too long: closed allows 01:00:00");
  expect_finding(closed, "files ok ");
  expect_finding(closed, "job - ");
  expect_finding(closed, "slurm is not ready");

  const auto no_files = doctor("-o files=/nowhere");
  EXPECT_EQ(no_files.code, 3) << no_files.out;
  EXPECT_NE(no_files.err.find("files: /nowhere: No such file or directory; it is to be a directory"), std::string::npos)
      << no_files.err;

  const auto many = doctor("-p 100 --quick");
  EXPECT_EQ(many.code, 1);
  expect_finding(many, "submission BAD allocation failure: Requested node configuration is not available");

  const auto step =
      run_script("salloc --quiet --ntasks=2 $cohort doctor -m slurm", {.standard_input = "", .dir = files_.path()});
  EXPECT_EQ(step.code, 0) << step.err;
  expect_finding(step, "allocation warning this is within job ");
  expect_finding(step, "job ok a worker on ");

  EXPECT_EQ(run_script("sbatch --quiet --ntasks=4 --output=/dev/null --wrap='exec sleep 60'").code, 0);
  EXPECT_TRUE(eventually([] { return contains(SlurmBed::queue(), "RUNNING"); }));
  const auto waits = doctor("--timeout 2s");
  EXPECT_EQ(waits.code, 1);
  expect_finding(waits, "job BAD ");
  EXPECT_TRUE(contains(waits.out, " is still queued (Resources) after 2 s")) << waits.out;
  expect_finding(waits, " the job is cancelled; --timeout waits longer");
  EXPECT_EQ(lines_of(SlurmBed::queue()).size(), 1u) << "its own job is cancelled";
  EXPECT_TRUE(eventually([&] { return std::filesystem::is_empty(files_.path()); }));
  EXPECT_TRUE(std::filesystem::is_empty(std::filesystem::path(bed_.directory()) / "home/cohort/jobs"));

  const auto away = run_script("SLURM_CONF=/nowhere $cohort doctor -m slurm --timeout 1s --json");
  EXPECT_EQ(away.code, 1);
  EXPECT_TRUE(contains(away.out, "\"ready\": false")) << away.out;
  EXPECT_TRUE(contains(away.out, "did not end within 1 s: sinfo: error: ")) << away.out;
  EXPECT_TRUE(contains(away.out, "cannot stat file /nowhere")) << away.out;
  const auto without = run_script("PATH=/nowhere; $cohort doctor -m slurm");
  EXPECT_EQ(without.code, 1);
  expect_finding(without, "commands BAD not in PATH: sbatch, squeue, scancel, srun, sinfo");
}

}  // namespace
}  // namespace cohort::test
