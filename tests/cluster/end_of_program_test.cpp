// What a master says and leaves when it cannot end a worker.

#include <signal.h>

#include <string>

#include <cohort/child_process.hpp>

#include "cluster_test.hpp"
#include "processes.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

TEST(EndOfProgramTest, AWorkerThatCannotBeEndedIsToldAndKeepsNobodyWaiting) {
  SpawnOptions spawn;
  spawn.command = {COHORT_WORKER_THAT_STAYS};
  auto master = ChildProcess::spawn(spawn);
  const auto status = master.wait_until(deadline_after(60s));
  if (!status) master.terminate(0s, 5s);
  const std::string out = text_of_file("/proc/self/fd/" + std::to_string(master.out()));
  const std::string err = text_of_file("/proc/self/fd/" + std::to_string(master.err()));
  EXPECT_EQ(status ? status->text() : "does not end", "exited with code 0") << err;
  EXPECT_TRUE(contains(err, "cohort: worker 2 did not leave within 0.1 s and is killed\n")) << err;
  EXPECT_TRUE(contains(err,
                       "cohort: Unable to terminate all workers: rmprocs: pids [2] not terminated after 2.3 seconds. "
                       "Not returned: kill() of manager 'of the program'\n"))
      << err;
  const int worker = std::stoi(out);
  EXPECT_EQ(state_of(worker).state, 'T') << "it was ended after all";
  kill(worker, SIGKILL);
  EXPECT_TRUE(eventually([&] { return !is_running(worker); }));
}

}  // namespace
}  // namespace cohort::test
