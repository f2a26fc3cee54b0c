// cohort reap against a real Slurm: what a failure of the whole host would leave.

#include <signal.h>

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/child_process.hpp>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../cli/tool.hpp"
#include "slurm_bed.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using contract::eventually;
namespace fs = std::filesystem;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class SlurmReapTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!bed_.runs()) GTEST_SKIP() << "there is no Slurm here; scripts/install-dependencies installs it";
  }

  ChildProcess start(const std::string& partition) {
    SpawnOptions spawn;
    spawn.command = {COHORT_TOOL,          "run", "-m", "slurm", "-p", "2", "-o", "partition=" + partition,
                     COHORT_BATCH_PROGRAM, "wait"};
    spawn.dir = files_.path();
    return ChildProcess::spawn(spawn);
  }
  static bool is_in_queue(const std::string& name, const std::string& state) {
    return contains(SlurmBed::queue(), name + ' ' + state);
  }
  /// The only cluster but this one, from its files.
  std::string name_of_cluster(const std::string& but = "") const {
    for (const auto& entry : fs::directory_iterator(files_.path()))
      if (entry.path().filename() != but) return entry.path().filename();
    return "";
  }

  /// Processes with this in their command line.
  static std::vector<int> processes(const std::string& text) {
    std::vector<int> found;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator("/proc", none)) {
      const std::string pid = entry.path().filename();
      if (pid.find_first_not_of("0123456789") != pid.npos) continue;
      if (contains(text_of_file(entry.path() / "cmdline"), text)) found.push_back(std::stoi(pid));
    }
    return found;
  }
  /// The master and its guard at once, as if the host had failed.
  static void kill_all(ChildProcess& master, const std::string& name) {
    const auto guards = processes(std::string("cohort-guard") + '\0' + name);
    ASSERT_EQ(guards.size(), 1u);
    ::kill(guards[0], SIGKILL);
    master.signal(SIGKILL);
    ASSERT_TRUE(master.wait_until(deadline_after(20s)).has_value());
    EXPECT_TRUE(eventually([&] { return processes(std::string("cohort-guard") + '\0' + name).empty(); }));
  }

  SlurmBed bed_;
  const TemporaryDirectory files_;
};

TEST_F(SlurmReapTest, NothingIsLeftOfAHostThatFailedWhileJobsWaitOrRunAndLivingClustersStay) {
  auto living = start("closed");
  ASSERT_TRUE(eventually([] { return is_in_queue("", "PENDING"); }));
  const std::string living_name = name_of_cluster();
  for (const std::string partition : {"closed", "all"}) {
    auto master = start(partition);
    std::string name;
    ASSERT_TRUE(eventually([&] {
      name = name_of_cluster(living_name);
      return !name.empty() && is_in_queue(name, partition == "all" ? "RUNNING" : "PENDING");
    })) << SlurmBed::queue();
    EXPECT_TRUE(contains(cohort_tool({"reap"}).out, "nothing is left")) << "it exists";
    kill_all(master, name);
    EXPECT_TRUE(contains(cohort_tool({"reap", "--dry-run"}).out, name + " (slurm, "));
    const auto reaped = cohort_tool({"reap"});
    EXPECT_EQ(reaped.code, 0) << reaped.err;
    EXPECT_TRUE(contains(reaped.out, name + " (slurm, ")) << reaped.out;
    EXPECT_TRUE(contains(reaped.out, "): jobs cancelled, files removed\n")) << reaped.out;
    EXPECT_TRUE(eventually([&] { return !contains(SlurmBed::queue(), name); })) << SlurmBed::queue();
    EXPECT_TRUE(eventually([&] { return processes("--cohort-worker-number=").empty(); }));
    EXPECT_EQ(name_of_cluster(living_name), "") << "its files are gone";
  }
  // A manager whose jobs could not be cancelled at its end.
  const TemporaryDirectory programs;
  fs::permissions(programs.write("scancel", "#!/bin/sh\necho 'controller is busy' >&2\nexit 1\n"), fs::perms(0755));
  const auto busy = run_script("PATH=" + programs.path() + ":$PATH $cohort run -m slurm -p 1 " COHORT_BATCH_PROGRAM,
                               {.standard_input = "", .dir = files_.path()});
  EXPECT_TRUE(contains(busy.err, "jobs may be left")) << busy.err;
  EXPECT_TRUE(contains(busy.err, "controller is busy. Later: cohort reap")) << busy.err;
  EXPECT_TRUE(contains(cohort_tool({"reap"}).out, "): jobs cancelled, files removed\n"));

  EXPECT_TRUE(is_in_queue(living_name, "PENDING"));
  living.signal(SIGTERM);
  ASSERT_TRUE(living.wait_until(deadline_after(20s)).has_value());
  EXPECT_TRUE(eventually([] { return SlurmBed::queue().empty(); })) << SlurmBed::queue();
  const fs::path records = fs::path(bed_.directory()) / "home/cohort/jobs";
  EXPECT_TRUE(eventually([&] { return fs::is_empty(records); })) << "its guard removes it";
}

}  // namespace
}  // namespace cohort::test
