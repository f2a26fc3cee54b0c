// What users of the manager slurm see of each fault of a scheduler.

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../cli/tool.hpp"
#include "fake_scheduler.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using contract::eventually;
namespace fs = std::filesystem;
using Words = std::vector<std::string>;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

constexpr int launch_failed = 20;  // the exit status of the tool

class SlurmFaultsTest : public testing::Test {
 protected:
  ToolResult run(int workers, const Words& options = {}, const std::string& mode = "", ToolInput input = {}) {
    Words words{"run", "-m", "slurm", "-p", std::to_string(workers)};
    for (const auto& option : options) words.insert(words.end(), {"-o", option});
    words.insert(words.end(), {COHORT_BATCH_PROGRAM, mode});
    input.dir = files_.path();
    return cohort_tool(words, input);
  }
  /// Runs the program until a worker is lost by what is done to job 1 then. @return what it printed of that.
  std::string loss_by(const std::string& control, const Words& options = {}) {
    const auto result =
        run(3, options, "lost", {.standard_input = "", .dir = "", .when_printed = "ready", .then = [&](int) {
                                   if (control.empty()) return;
                                   EXPECT_EQ(FakeScheduler::control(control), "");
                                 }});
    EXPECT_EQ(result.code, 0) << result.err;
    const auto at = result.out.find("lost: ");
    return at == result.out.npos ? result.out + result.err : result.out.substr(at);
  }
  void expect_nothing_left(const FakeScheduler& scheduler) {
    EXPECT_TRUE(eventually([&] { return scheduler.processes().empty(); })) << scheduler.processes();
    EXPECT_TRUE(eventually([&] { return fs::is_empty(files_.path()); })) << "the job's files";
  }

  const TemporaryDirectory files_;
};

TEST_F(SlurmFaultsTest, WithoutAnyTheWorkersAreOnTheHostsAndNothingIsLeft) {
  const FakeScheduler scheduler("slurm");
  const auto result = run(4);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "workers 4 on n1 n1 n2 n2\n") << result.err;
  EXPECT_EQ(result.err, "");
  expect_nothing_left(scheduler);
  const auto step = run_script("salloc --quiet -n 3 $cohort run -m slurm " COHORT_BATCH_PROGRAM,
                               {.standard_input = "", .dir = files_.path()});
  EXPECT_EQ(step.out, "workers 3 on n1 n1 n2\n") << step.err;
  expect_nothing_left(scheduler);
}

TEST_F(SlurmFaultsTest, ASubmissionThatFailsNowAndThenIsTriedAgainAndARefusalIsSaidInTheSchedulersWords) {
  const FakeScheduler scheduler("slurm", {"--fail-submission=3"});
  for (const bool fails : {false, false, true, false}) {
    const auto result = run(2);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(contains(result.err,
                       "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation; trying "
                       "again in "),
              fails)
        << result.err;
  }
  FakeScheduler::control("fail-submission 0");
  FakeScheduler::control("queue-limit 1");
  run_script("sbatch -o /dev/null -p closed --wrap true");
  const auto full = run(2);
  EXPECT_EQ(full.code, launch_failed);
  EXPECT_TRUE(contains(full.err, "sbatch: error: AssocMaxSubmitJobLimit")) << full.err;
  expect_nothing_left(scheduler);
}

// The answer to one submission is lost. Its job is in the queue by then, or gets there with the next one.
TEST_F(SlurmFaultsTest, AJobThatWasTakenWithoutAnAnswerIsFoundOrDoesNotOutliveItsCluster) {
  const FakeScheduler scheduler("slurm");
  const TemporaryDirectory programs;
  fs::permissions(programs.write("submit", R"sh(#!/bin/sh
cd "${0%/*}" && echo . >>calls
[ ! -e late ] || { sbatch --hold "$@" <late >/dev/null; rm late; }
if [ "$(wc -l <calls)" = "$LOST" ]; then
  if [ -n "$LATE" ]; then cat >late; else sbatch "$@"; fi
  echo 'sbatch: error: Socket timed out on send/recv operation' >&2
  exit 1
fi
exec sbatch "$@"
)sh"),
                  fs::perms(0700));
  const auto run_without_answer = [&](const std::string& variables, const std::string& flags) {
    fs::remove(programs.path("calls"));
    return run_script(variables + " $cohort run -m slurm -o 'submit=[\"" + programs.path("submit") +
                          "\",\"--parsable\"]' " + flags + " " COHORT_BATCH_PROGRAM,
                      {.standard_input = "", .dir = files_.path()});
  };
  const auto found = run_without_answer("LOST=1", "-p 4");
  EXPECT_EQ(found.out, "workers 4 on n1 n1 n2 n2\n") << found.err;
  EXPECT_TRUE(contains(found.err, "recv operation; the scheduler has taken the job all the same\n")) << found.err;
  EXPECT_EQ(lines_of(FakeScheduler::jobs()).size(), 1u) << FakeScheduler::jobs();
  expect_nothing_left(scheduler);

  const auto array = run_without_answer("LOST=1", "-p 4 -o jobs=array");
  EXPECT_EQ(array.out, "workers 4 on n1 n1 n2 n2\n") << array.err;
  EXPECT_EQ(lines_of(FakeScheduler::jobs()).size(), 5u) << FakeScheduler::jobs();

  const auto late = run_without_answer("LOST=5 LATE=1", "-p 5 --min 4 -o jobs=each");
  EXPECT_TRUE(late.out.starts_with("workers 4 on ")) << late.out << late.err;
  EXPECT_TRUE(contains(late.err, "Socket timed out on send/recv operation; trying again in ")) << late.err;
  expect_nothing_left(scheduler);
  EXPECT_EQ(lines_of(FakeScheduler::jobs()).size(), 11u) << FakeScheduler::jobs();
  EXPECT_FALSE(contains(FakeScheduler::jobs(), " pending")) << FakeScheduler::jobs();
}

// What a worker says of itself by its connection counts more.
TEST_F(SlurmFaultsTest, StatusThatIsLateWrongOrEmptyHindersNoWorker) {
  const FakeScheduler scheduler("slurm", {"--status-delay=20s"});
  EXPECT_EQ(run(4).out, "workers 4 on n1 n1 n2 n2\n");
  FakeScheduler::control("status-delay 0");
  FakeScheduler::control("empty-status 1");
  EXPECT_EQ(run(2).out, "workers 2 on n1 n1\n");
  FakeScheduler::control("empty-status 0");
  const auto late = loss_by(
      "lie 1 completed; $cohort fake-scheduler control lie 3 pending; "
      "$cohort fake-scheduler control kill 3");
  EXPECT_TRUE(contains(late, "lost: ")) << late;
  expect_nothing_left(scheduler);
}

// Side by side: they wait long for what does not come.
TEST_F(SlurmFaultsTest, ALaunchThatWaitsInVainSaysForWhatAndGivesUp) {
  const auto launch = [](const std::string& name, const std::string& scheduler, const std::string& options,
                         const std::string& meanwhile = "") {
    return "mkdir " + name + "; (cd " + name + "; $cohort fake-scheduler " + scheduler + " -- sh -c '" + meanwhile +
           " \"$cohort\" run -m slurm -p 2 " + options + " " COHORT_BATCH_PROGRAM " 2>../" + name +
           ".txt; echo $? >>../" + name + ".txt'; ls) & ";
  };
  // Of its two workers one is started.
  const std::string one_task =
      files_.write("one_task",
                   "#!/bin/sh\n#SBATCH --job-name={name}\n#SBATCH --ntasks={tasks}\n#SBATCH --output={output}\n"
                   "srun --ntasks=1 --input=all {command} <{join_file}\n");
  const auto result = run_script(
      "export cohort; " + launch("late", "--status-delay 30s", "-o partition=closed -o queue=17s") +
          launch("vanished", "", "-o partition=closed -o queue=17s",
                 "(until squeue | grep -q Down; do sleep 0.1; done; $cohort fake-scheduler control vanish 1) &") +
          launch("few", "", "-o launch=12s -o template=" + one_task) + "wait",
      {.standard_input = "", .dir = files_.path()});
  EXPECT_EQ(result.out, "");  // no file is left
  const std::string late = files_.read("late.txt"), vanished = files_.read("vanished.txt"),
                    few = files_.read("few.txt");
  EXPECT_TRUE(contains(late, "0 of 2 workers joined: job 1 is still unknown after 17 s (option queue)\n20\n")) << late;
  EXPECT_TRUE(contains(vanished, "0 of 2 workers joined: job 1 is not known to the scheduler any more\n20\n"))
      << vanished;
  EXPECT_TRUE(
      few.starts_with("cohort: job 1: runs on n1, 1 of 2 workers have joined\n"
                      "cohort: manager 'slurm' could not launch all of its workers:"))
      << "once, after ten seconds: " << few;
  EXPECT_TRUE(contains(few, "1 of 2 workers joined: job 1 has been running on n1 for 12 s (option launch)")) << few;
}

TEST_F(SlurmFaultsTest, AWorkerThatIsLostSaysWhyItsJobEnded) {
  const FakeScheduler scheduler("slurm");
  const auto killed = loss_by("kill 1");
  EXPECT_TRUE(contains(killed, "job 1: failed (FAILED, ")) << killed;
  const auto failed = loss_by("host-down n2", {R"(flags=["--no-requeue"])"});
  EXPECT_TRUE(contains(failed, "job 2: failed (NODE_FAIL, NodeDown)")) << failed;
  FakeScheduler::control("host-up n2");
  const auto preempted = loss_by("preempt 3", {R"(flags=["--no-requeue"])"});
  EXPECT_TRUE(contains(preempted, "job 3: failed (PREEMPTED, Preempted)")) << preempted;
  const auto vanished = loss_by("vanish 4");
  EXPECT_TRUE(contains(vanished, "exited: the scheduler does not know job 4 any more")) << vanished;
  // One that is queued again waits for its next start, in which nobody takes its workers.
  const auto again = loss_by("preempt 5");
  EXPECT_TRUE(contains(again, "lost: process ")) << again;
  expect_nothing_left(scheduler);
}

// Those of n2 wait in the queue once more when the program ends, and are cancelled then.
TEST_F(SlurmFaultsTest, NothingIsSaidOfJobsAtTheEndOfTheProgram) {
  const FakeScheduler scheduler("slurm");
  const auto result =
      run(4, {"jobs=each"}, "lost", {.standard_input = "", .dir = "", .when_printed = "ready", .then = [](int) {
                                       EXPECT_EQ(FakeScheduler::control("host-down n2"), "");
                                     }});
  EXPECT_TRUE(contains(result.out, " was taken off its nodes, and is queued")) << result.out << result.err;
  EXPECT_FALSE(contains(result.err, "has lost its workers")) << result.err;
  expect_nothing_left(scheduler);
}

TEST_F(SlurmFaultsTest, TooMuchMemoryIsTheCauseOfAWorkersEnd) {
  const FakeScheduler scheduler("slurm");
  const auto result = run(2, {R"(flags=["--mem=300M"])"}, "hog");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "lost: ") && contains(result.out, ": Killed on n1")) << result.out << result.err;
  expect_nothing_left(scheduler);
}

TEST_F(SlurmFaultsTest, ASlowSchedulerIsWaitedFor) {
  const FakeScheduler scheduler("slurm", {"--slow=1s"});
  EXPECT_EQ(run(2).out, "workers 2 on n1 n1\n");
  expect_nothing_left(scheduler);
}

}  // namespace
}  // namespace cohort::test
