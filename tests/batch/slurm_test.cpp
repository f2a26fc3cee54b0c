// The manager slurm against a real Slurm, by the built tool.

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../cli/tool.hpp"
#include "secret_search.hpp"
#include "slurm_bed.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using contract::eventually;
namespace fs = std::filesystem;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class SlurmTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!bed_.runs()) GTEST_SKIP() << "there is no Slurm here; scripts/install-dependencies installs it";
  }

  /// `cohort run -m slurm -p WORKERS`, with these options, of the test's program.
  ToolResult run(int workers, const std::vector<std::string>& options, const std::vector<std::string>& arguments = {},
                 ToolInput input = {}) {
    std::vector<std::string> words{"run", "-m", "slurm", "-p", std::to_string(workers)};
    for (const auto& option : options) words.insert(words.end(), {"-o", option});
    words.push_back(COHORT_BATCH_PROGRAM);
    words.insert(words.end(), arguments.begin(), arguments.end());
    input.dir = files_.path();
    return cohort_tool(words, input);
  }

  void expect_nothing_left() {
    EXPECT_TRUE(eventually([] { return SlurmBed::queue().empty(); })) << SlurmBed::queue();
    EXPECT_TRUE(eventually([] { return workers_left().empty(); })) << workers_left();
    EXPECT_TRUE(eventually([&] { return fs::is_empty(files_.path()); })) << "the job's files";
  }

  /// The command lines of workers on any node.
  static std::string workers_left() {
    std::string found;
    for_each_process([&](const fs::path& process) {
      const std::string command = text_of_file(process / "cmdline");
      if (contains(command, "--cohort-worker") && command.starts_with(COHORT_BATCH_PROGRAM)) found += command + '\n';
    });
    return found;
  }

  template <class Look>
  static void for_each_process(Look look) {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator("/proc", none)) {
      const std::string name = entry.path().filename();
      if (name.find_first_not_of("0123456789") == name.npos) look(entry.path());
    }
  }

  SlurmBed bed_;
  const TemporaryDirectory files_;
};

TEST_F(SlurmTest, AProgramRunsOnWorkersOfTwoNodesAndNothingIsLeft) {
  const auto result = run(4, {});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "workers 4 on n1 n1 n2 n2\n") << result.err;
  EXPECT_EQ(result.err, "");
  expect_nothing_left();
}

TEST_F(SlurmTest, HundredsOfWorkersThatComeAtOnceAllJoin) {
  const auto result = run(256, {R"(flags=["--overcommit", "--nodes=2", "--mem=0"])"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(result.out.starts_with("workers 256 on ")) << result.out << result.err;
  expect_nothing_left();
}

TEST_F(SlurmTest, AJobThatStaysInTheQueueFailsAtItsDeadlineWithTheReason) {
  const auto result = run(2, {"partition=closed", "queue=3s"});
  EXPECT_NE(result.code, 0);
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(contains(result.err, ": queued (PartitionDown), 2 workers\n")) << result.err;
  EXPECT_TRUE(contains(result.err, "is still queued (PartitionDown) after 3 s (option queue)")) << result.err;
  expect_nothing_left();
}

TEST_F(SlurmTest, AWrongPartitionFailsWithTheWordsOfSbatch) {
  const auto result = run(2, {"partition=nowhere"});
  EXPECT_NE(result.code, 0);
  EXPECT_TRUE(contains(result.err, "sbatch: error: invalid partition specified: nowhere")) << result.err;
  expect_nothing_left();
}

TEST_F(SlurmTest, TheSecretsAreWhereNobodyElseCanReadThem) {
  expect_that_no_secret_is_public(
      {.manager = "slurm",
       .options = R"(, "flags": ["--hold"])",
       .release = "scontrol release $(squeue --noheader --format=%i)",
       .directories = {bed_.directory()},
       .commands = {{"scontrol --details show job", "JobName=cohort-"},
                    {"scontrol write batch_script $(squeue --noheader --format=%i) -", "#SBATCH --ntasks=2"},
                    {"squeue --format=%all", "cohort-"}}});
  expect_nothing_left();
}

TEST_F(SlurmTest, AJobThatIsCancelledFromOutsideIsTheCauseOfItsWorkersEnd) {
  const auto result = run(2, {}, {"lost"}, {.standard_input = "", .dir = "", .when_printed = "ready", .then = [](int) {
                                              run_script("scancel $(squeue --noheader --format=%i)");
                                            }});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, ": cancelled (CANCELLED)")) << result.out << result.err;
  expect_nothing_left();
}

TEST_F(SlurmTest, OneWorkerThatEndsIsLostWithItsOwnCause) {
  const auto result = run(3, {}, {"cause", "7"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, ": Exited with exit code 7 on n")) << result.out << result.err;
  expect_nothing_left();
}

TEST_F(SlurmTest, EachWayToLoseANodeIsItsOwnCause) {
  const auto lose = [&](const std::vector<std::string>& options, const std::vector<std::string>& arguments,
                        const std::string& script) {
    const auto result =
        run(4, options, arguments,
            {.standard_input = "", .dir = "", .when_printed = "ready", .then = [&](int) { run_script(script); }});
    EXPECT_EQ(result.code, 0) << result.err;
    expect_nothing_left();
    return result.out + result.err;
  };
  const std::string node =
      lose({R"(flags=["--no-requeue"])"}, {"lost"}, "scontrol update nodename=n2 state=down reason=test");
  EXPECT_TRUE(contains(node, ": failed (NODE_FAIL, NodeDown)") || contains(node, " is being ended (NodeDown)")) << node;
  EXPECT_FALSE(contains(node, "walltime")) << node;
  run_script("scontrol update nodename=n2 state=idle");
  const std::string memory = lose({R"(flags=["--mem-per-cpu=100"])"}, {"hog"}, "");
  EXPECT_TRUE(contains(memory, "Killed on n")) << memory;
  EXPECT_TRUE(contains(memory, ": the job's memory limit of 200 MiB was exceeded")) << memory;
  const std::string preempted =
      lose({}, {"lost"}, "sbatch --partition=urgent --ntasks=4 --wrap='sleep 1' --output=/dev/null");
  EXPECT_TRUE(contains(preempted, " was taken off its nodes, and is queued (BeginTime) once more") ||
              contains(preempted, " is being ended (Preempted)"))
      << preempted;
}

TEST_F(SlurmTest, WorkersOfAJobThatWasPreemptedComeBackWithIt) {
  const auto preempt = [&](int) {
    run_script("cd " + files_.path() +
               "; sbatch --partition=urgent --ntasks=4 --wrap='sleep 1' --output=/dev/null;"
               "for i in $(seq 300); do"
               "  squeue --noheader --states=PENDING --format=%r | grep -q BeginTime && ls cohort-*/join-1-1.json && "
               "break; sleep 0.1;"
               "done;"
               "scontrol update jobid=1 StartTime=now");
  };
  const auto result = run(4, {}, {"back"}, {.standard_input = "", .dir = "", .when_printed = "ready", .then = preempt});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "lost\nback: 4\n")) << result.out << result.err;
  expect_nothing_left();
}

TEST_F(SlurmTest, AMapGoesOnWhenTheTimeOfItsJobIsOver) {
  if (std::getenv("COHORT_LONG_TESTS") == nullptr) GTEST_SKIP() << "takes 80 s; COHORT_LONG_TESTS=1 runs it";
  const auto result = run_script(
      "timeout 150 $cohort run -m slurm -p 2 -o partition=short -o walltime=1m -o respawn=true " COHORT_BATCH_PROGRAM
      " map 200 700 >out 2>err & wait; cat out; cat err >&2",
      {.standard_input = "", .dir = files_.path()});
  EXPECT_TRUE(contains(result.out, "all right, by 4 processes")) << result.out << result.err;
  EXPECT_TRUE(contains(result.err, "job 2 is to take the place of job 1, whose time is over in ")) << result.err;
  for (const char* name : {"out", "err"}) fs::remove(files_.path(name));
  expect_nothing_left();
}

// A worker's own word counts more than the scheduler's.
TEST_F(SlurmTest, ASchedulerThatDoesNotAnswerHindersNoWorkerAndIsNamedInAFailure) {
  const TemporaryDirectory programs;
  fs::permissions(programs.write("squeue", "#!/bin/sh\necho 'controller is busy' >&2\nexit 1\n"), fs::perms(0755));
  const auto run_without_squeue = [&](const std::string& options) {
    return run_script("PATH=" + programs.path() + ":$PATH; $cohort run -m slurm -p 2 " + options + COHORT_BATCH_PROGRAM,
                      {.standard_input = "", .dir = files_.path()});
  };
  const auto good = run_without_squeue("");
  EXPECT_TRUE(good.out.starts_with("workers 2 on ")) << good.out << good.err;
  const auto waits = run_without_squeue("-o partition=closed -o queue=3s ");
  EXPECT_TRUE(contains(waits.err, "is still unknown: 'squeue ")) << waits.err;
  EXPECT_TRUE(contains(waits.err, "controller is busy after 3 s (option queue)")) << waits.err;
  expect_nothing_left();
}

TEST_F(SlurmTest, WithinAnAllocationTheWorkersAreAStepOfIt) {
  const auto result = run_script("salloc --quiet --ntasks=4 sh -c '$cohort run -m slurm " COHORT_BATCH_PROGRAM
                                 "; squeue --noheader | wc -l'",
                                 {.standard_input = "", .dir = files_.path()});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "workers 4 on n1 n1 n2 n2\n1\n") << result.err;
  expect_nothing_left();
}

TEST_F(SlurmTest, ManyMastersAreRefused) {
  const auto result = run_script("salloc --quiet --ntasks=2 srun --ntasks=2 $cohort run -m slurm " COHORT_BATCH_PROGRAM,
                                 {.standard_input = "", .dir = files_.path()});
  EXPECT_NE(result.code, 0);
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(contains(result.err, "srun has started this program 2 times")) << result.err;
  EXPECT_TRUE(contains(result.err, "srun -n 9 cohort run --launched PROGRAM")) << result.err;
  expect_nothing_left();
}

TEST_F(SlurmTest, TasksThatSrunHasStartedAreAMasterAndItsWorkers) {
  const auto result =
      run_script("srun --overcommit --nodes=2 --ntasks=9 $cohort run --launched " COHORT_LAUNCHED_PROGRAM,
                 {.standard_input = "", .dir = files_.path()});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "master 2:1 3:2 4:3 5:4 6:5 7:6 8:7 9:8\n") << result.err;
  EXPECT_EQ(result.err, "");
  const auto failed = run_script("srun --ntasks=3 $cohort run --launched " COHORT_LAUNCHED_PROGRAM " fail 7",
                                 {.standard_input = "", .dir = files_.path()});
  EXPECT_EQ(failed.code, 7) << failed.err;
  expect_nothing_left();
}

TEST_F(SlurmTest, OneMasterThatSrunHasStartedHasWorkersBesideIt) {
  const auto result = run_script(
      "salloc --quiet --ntasks=2 srun --ntasks=1 --overlap $cohort run -m slurm -p 2 "
      "-o flags='[\"--overlap\"]' " COHORT_BATCH_PROGRAM,
      {.standard_input = "", .dir = files_.path()});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(result.out.starts_with("workers 2 on ")) << result.out << result.err;
  expect_nothing_left();
}

// The package slurm-wlm-torque has PBS commands for Slurm. It cannot be installed beside Grid Engine's, so its commands
// are in a directory of this test's own.
TEST_F(SlurmTest, TheManagerPbsWorksWithThePbsCommandsOfSlurm) {
  const std::string commands = "/usr/local/lib/cohort-tests/slurm-wlm-torque";
  if (!fs::exists(commands + "/qsub"))
    GTEST_SKIP() << commands
                 << " does not have the PBS commands of Slurm; scripts/install-dependencies puts them there";
  const auto run_pbs = [&](const std::string& words, ToolInput input = {}) {
    input.dir = files_.path();
    return run_script("PATH=" + commands + ":$PATH; exec $cohort " + words, input);
  };
  const auto result = run_pbs("run -m pbs -p 2 " COHORT_BATCH_PROGRAM " cause 7");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "workers 2 on n1 n1\nlost: process 3 exited: exited with code 7 on "))
      << result.out << result.err;
  const auto refused = run_pbs("run -m pbs -p 2 -o partition=nowhere " COHORT_BATCH_PROGRAM);
  EXPECT_TRUE(contains(refused.err, "sbatch: error: invalid partition specified: nowhere")) << refused.err;
  const auto waits = run_pbs("run -m pbs -p 2 -o partition=closed -o queue=1s " COHORT_BATCH_PROGRAM);
  EXPECT_TRUE(contains(waits.err, " is still queued after 1 s (option queue)")) << waits.err;
  // What it leaves is found by its name.
  const auto killed = run_pbs(
      "run -m pbs -p 2 -o walltime=30m " COHORT_BATCH_PROGRAM " wait",
      {.standard_input = "", .dir = "", .when_printed = "ready", .then = [](int pid) { ::kill(pid, SIGKILL); }});
  EXPECT_EQ(killed.code, 128 + SIGKILL);
  expect_nothing_left();
}

TEST_F(SlurmTest, ADryRunPrintsTheScriptAndTheCommand) {
  const auto result = run(2, {"dry_run=true", "partition=all", "walltime=90m", "flags=[\"--qos=high\"]"});
  EXPECT_TRUE(result.out.starts_with("sbatch --parsable --qos=high <<'END'\n#!/bin/sh\n#SBATCH --job-name=cohort-"))
      << result.out << result.err;
  EXPECT_TRUE(contains(result.out, "\n#SBATCH --ntasks=2\n")) << result.out;
  EXPECT_TRUE(contains(result.out, "\n#SBATCH --partition=all\n#SBATCH --time=01:30:00\n")) << result.out;
  EXPECT_TRUE(contains(result.out, "exec srun ")) << result.out;
  EXPECT_TRUE(contains(result.err, "this was a dry run, and nothing was submitted")) << result.err;
  expect_nothing_left();
}

}  // namespace
}  // namespace cohort::test
