// Groups B, U: how workers are removed, the willing and the others.

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "cluster_test.hpp"
#include "processes.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

class RemovalTest : public ClusterTest {
 protected:
  void TearDown() override {
    ClusterTest::TearDown();
    EXPECT_TRUE(children().empty());
  }
  static Pid add(Duration shutdown, Duration term = 100ms) {
    AddprocsOptions options;
    options.timeouts.emplace().shutdown = shutdown;
    options.timeouts->term = term;
    return addprocs(1, options).front();
  }
  // It neither hears that it should leave nor SIGTERM.
  static void stop(Pid pid) {
    const int process = remotecall_fetch([] { return static_cast<int>(getpid()); }, pid);
    ASSERT_TRUE(stop_process(process));
  }
};

TEST_F(RemovalTest, AWillingWorkerLeavesWithoutAWord) {
  testing::internal::CaptureStderr();
  const auto pids = addprocs(3);
  rmprocs(pids);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(nprocs(), 1);
  for (const Pid pid : pids) {
    EXPECT_EQ(thrown_by<ProcessExitedException>([&] { remotecall_fetch([] { return 1; }, pid); }).substr(0, 9),
              "process " + std::to_string(pid));
  }
}

TEST_F(RemovalTest, AWorkerThatComputesLeavesAtOnceEvenIfItIgnoresSignals) {
  const Pid pid = add(60s);
  auto computing = remotecall(
      [] {
        signal(SIGTERM, SIG_IGN);
        for (volatile bool go_on = true; go_on;) {
        }
      },
      pid);
  const auto start = Clock::now();
  rmprocs(pid);
  EXPECT_LT(Clock::now() - start, 30s) << "nobody had to be killed";
  EXPECT_THROW(computing.fetch(), ProcessExitedException);
}

TEST_F(RemovalTest, TooShortAWaitIsAnErrorThatNamesThoseLeft) {
  const Pid willing = add(60s), stopped = add(60s);
  const int process = remotecall_fetch([] { return static_cast<int>(getpid()); }, stopped);
  stop(stopped);
  rmprocs(willing);
  EXPECT_EQ(thrown_by<Error>([&] {
              rmprocs({willing, stopped}, {.waitfor = 100ms});
            }),
            "rmprocs: pids [3] not terminated after 0.1 seconds.");
  EXPECT_EQ(thrown_by<Error>([&] { rmprocs(stopped, {.waitfor = 1ms}); }),
            "rmprocs: pids [3] not terminated after 0.001 seconds.");
  EXPECT_EQ(nworkers(), 1) << "it counts no more: " << workers().front();
  ASSERT_EQ(kill(process, SIGCONT), 0);
  rmprocs(stopped);  // already under way: waits for its end
  EXPECT_TRUE(eventually([] { return children().empty(); }));
}

TEST_F(RemovalTest, WaitforZeroReturnsAtOnceAndTheOthersWorkOn) {
  const auto pids = addprocs(2);
  rmprocs(pids[0], {.waitfor = Duration::zero()});
  EXPECT_EQ(workers(), std::vector<Pid>{pids[1]});
  EXPECT_EQ(remotecall_fetch([] { return myid(); }, pids[1]), pids[1]);
  EXPECT_TRUE(eventually([] { return children().size() == 1; }));
}

TEST_F(RemovalTest, OneThatDoesNotListenIsAskedThenToldThenKilled) {
  const Pid pid = add(100ms);
  stop(pid);
  testing::internal::CaptureStderr();
  rmprocs(pid, {.waitfor = 60s});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "cohort: worker 2 did not leave within 0.1 s and is killed\n");
  EXPECT_TRUE(children().empty()) << "it was reaped";
}

TEST_F(RemovalTest, SigtermIsEnoughForOneThatHeedsIt) {
  // The way out of this one is blocked, but it can still say that it got the signal.
  TemporaryDirectory directory;
  const Pid pid = add(100ms, 1h);
  remotecall_fetch(
      [](std::string file) {
        static std::string got;
        got = file;
        signal(SIGTERM, [](int) { _exit(mkdir(got.c_str(), 0700)); });
        std::atexit([] { pause(); });
      },
      pid, directory.path("terminated"));
  rmprocs(pid, {.waitfor = 60s});
  EXPECT_TRUE(std::filesystem::exists(directory.path("terminated")));
}

TEST_F(RemovalTest, TheUnknownAreIgnoredAndTheMasterIsWarnedOf) {
  addprocs(1);
  testing::internal::CaptureStderr();
  rmprocs({1, 77});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "cohort: rmprocs: process 1 not removed\n");
  EXPECT_EQ(nworkers(), 1);
}

TEST_F(RemovalTest, AddingAndRemovingAgainAndAgainLeavesNothing) {
  for (int i = 0; i < 10; i++) rmprocs(addprocs(2));
  EXPECT_EQ(nprocs(), 1);
  EXPECT_EQ(addprocs(1), std::vector<Pid>{22});
}

TEST_F(RemovalTest, AWorkerThatCallsExitIsGoneWithItsCode) {
  const Pid pid = addprocs(1).front();
  EXPECT_TRUE(contains(thrown_by<ProcessExitedException>([&] { remotecall_fetch([] { std::exit(5); }, pid); }),
                       "exited with code 5"));
  EXPECT_TRUE(eventually([] { return nprocs() == 1; }));
}

TEST_F(RemovalTest, AWorkerOutlivesAnother) {
  const auto pids = addprocs(2);
  EXPECT_EQ(
      remotecall_fetch([](Pid other) { return remotecall_fetch([] { return myid(); }, other); }, pids[0], pids[1]),
      pids[1]);
  EXPECT_THROW(remotecall_fetch([] { _exit(1); }, pids[1]), ProcessExitedException);
  EXPECT_TRUE(
      eventually([&] { return remotecall_fetch([] { return workers(); }, pids[0]) == std::vector<Pid>{pids[0]}; }));
  EXPECT_TRUE(contains(thrown_by([&] {
                         remotecall_fetch([](Pid other) { return remotecall_fetch([] { return myid(); }, other); },
                                          pids[0], pids[1]);
                       }),
                       "process " + std::to_string(pids[1])));
}

}  // namespace
}  // namespace cohort::test
