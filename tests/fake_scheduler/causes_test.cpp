// What a manager says of a worker that is lost, for each way in which its job may end and each scheduler.

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../cli/tool.hpp"
#include "fake_scheduler.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

struct Causes {
  std::string manager;
  std::string cancel;                         // a command; the number of the job follows
  std::map<std::string, std::string> causes;  // by "cancel" or what the scheduler is told to do
};

class CausesTest : public testing::TestWithParam<Causes> {};

TEST_P(CausesTest, ALostWorkerIsLostForTheReasonThatItsJobHas) {
  const FakeScheduler scheduler(GetParam().manager);
  const TemporaryDirectory files;
  for (const auto& [fault, cause] : GetParam().causes) {
    const auto do_it = [&](int) {
      const std::string jobs = FakeScheduler::jobs();  // the last one is that which runs
      const auto line = jobs.rfind('\n', jobs.size() - 2) + 1;
      const std::string job = jobs.substr(line, jobs.find(' ', line) - line);
      if (fault == "cancel")
        run_script(GetParam().cancel + ' ' + job);
      else
        FakeScheduler::control(fault + ' ' + job);
    };
    const auto result = run_script("exec $cohort run -m " + GetParam().manager + " -p 1 " COHORT_BATCH_PROGRAM " lost",
                                   {.standard_input = "", .dir = files.path(), .when_printed = "ready", .then = do_it});
    EXPECT_NE(result.out.find(cause), std::string::npos) << fault << ": " << result.out << result.err;
  }
  EXPECT_TRUE(contract::eventually([&] { return scheduler.processes().empty(); })) << scheduler.processes();
}

INSTANTIATE_TEST_SUITE_P(Of, CausesTest,
                         testing::Values(
                             // The accounting says no more of a job that was killed.
                             Causes{"sge", "qdel", {{"time-out", ": failed (100 : assumedly after job), signal 9"}}},
                             Causes{"pbs",
                                    "qdel",
                                    {{"cancel", ": cancelled (terminated by "},
                                     {"time-out", ": failed (over its walltime)"},
                                     {"preempt", " was taken off its nodes, and is queued"}}},
                             Causes{"lsf",
                                    "bkill",
                                    {{"cancel", ": cancelled (EXIT, TERM_OWNER: job killed by owner)"},
                                     {"time-out",
                                      ": failed (EXIT, TERM_RUNLIMIT: job killed after reaching LSF run time limit)"}}},
                             Causes{"htcondor",
                                    "condor_rm",
                                    {{"cancel", ": cancelled (Removed, via condor_rm (by user "},
                                     {"time-out", ": failed (Held, The job exceeded allowed execute duration"},
                                     {"preempt", " was taken off its nodes, and is queued"}}}),
                         [](const auto& its) { return its.param.manager; });

}  // namespace
}  // namespace cohort::test
