// What lets others into a cluster is nowhere where they could read it.

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include <cohort/child_process.hpp>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../batch/secret_search.hpp"
#include "../cli/tool.hpp"
#include "fake_scheduler.hpp"

namespace cohort::test {
namespace {

namespace fs = std::filesystem;

TEST(SecretSearchTest, FindsWhatIsPlanted) {
  const TemporaryDirectory directory;
  const std::string secret = "5ec2e7" + fs::path(directory.path()).filename().string();
  SpawnOptions spawn;
  // It starts no other process, which would have the same arguments.
  spawn.command = {"/usr/bin/tail", "-F", "/nowhere/x" + secret};
  const auto by_argument = ChildProcess::spawn(spawn);
  spawn.command = {"/bin/sleep", "100"};
  spawn.env["OWN"] = secret + 'x';
  const auto by_environment = ChildProcess::spawn(spawn);
  fs::create_directory(directory.path("in"));
  directory.write("in/log", "a\n" + secret + "\nb\n");
  directory.write(secret, "");
  fs::permissions(directory.write("join-private.json", secret), fs::perms(0600));
  fs::permissions(directory.write("join-public.json", secret), fs::perms(0640));
  directory.write("other", "5ec2e7");

  const auto process = [](const ChildProcess& child, const std::string& part) {
    return "/proc/" + std::to_string(child.pid()) + '/' + part;
  };
  const auto shows = [&](const std::string& file) { return text_of_file(file).find(secret) != std::string::npos; };
  // A process has its arguments and variables when it has become its program.
  ASSERT_TRUE(contract::eventually(
      [&] { return shows(process(by_argument, "cmdline")) && shows(process(by_environment, "environ")); }));

  SecretSearch search;
  search.add(secret);
  search.look_at_processes();
  search.look_at_files(directory.path());
  search.look_at_output("echo job; cat " + directory.path("in/log"), "job");
  EXPECT_EQ(sorted(lines_of(search.found())),
            sorted({process(by_argument, "cmdline"), process(by_environment, "environ"), directory.path("in/log"),
                    directory.path(secret), directory.path("join-public.json"),
                    "echo job; cat " + directory.path("in/log")}));
}

class SecretsTest : public testing::TestWithParam<SecretBed> {};

TEST_P(SecretsTest, AreWhereNobodyElseCanReadThem) {
  const FakeScheduler scheduler(GetParam().manager);
  SecretBed bed = GetParam();
  bed.release =
      "for job in $($cohort fake-scheduler control jobs | cut -d ' ' -f 1); do"
      "  $cohort fake-scheduler control release $job;"
      "done";
  bed.directories = {scheduler.directory()};
  expect_that_no_secret_is_public(bed);
}

INSTANTIATE_TEST_SUITE_P(
    Of, SecretsTest,
    testing::Values(
        SecretBed{
            .manager = "slurm",
            .options = R"(, "flags": ["--hold"])",
            .commands = {{"scontrol --details show job", "JobName=cohort-"},
                         {"squeue --format='%A %j %o %Z'", "cohort-"},
                         {"scontrol write batch_script $(squeue --noheader --format=%i) -", "#SBATCH --ntasks=2"}}},
        SecretBed{.manager = "sge",
                  .options = R"(, "flags": ["-h"])",
                  .commands = {{"qstat", "cohort-"}, {"qstat -j $(qstat | awk 'NR == 3 { print $1 }')", "cohort-"}}},
        SecretBed{
            .manager = "pbs", .options = R"(, "flags": ["-h"])", .commands = {{"qstat -f", "Job_Name = cohort-"}}},
        SecretBed{.manager = "lsf", .options = R"(, "flags": ["-H"])", .commands = {{"bjobs -l", "cohort-"}}},
        SecretBed{.manager = "htcondor",
                  .options = R"(, "flags": ["-append", "hold = true"])",
                  .commands = {{"condor_q -long", "cohort-"}, {"condor_q -json", "cohort-"}}}),
    [](const auto& its) { return its.param.manager; });

}  // namespace
}  // namespace cohort::test
