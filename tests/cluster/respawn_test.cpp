// Local workers that are started in place of those that were lost.

#include <signal.h>

#include "captured_stderr.hpp"
#include "cluster_test.hpp"

namespace cohort::test {
namespace {

using RespawnTest = ClusterTest;

int die() { return ::raise(SIGKILL); }

TEST_F(RespawnTest, ALostWorkerIsReplacedAndARemovedOneIsNot) {
  EXPECT_EQ(addprocs("local", {{"count", 2}, {"respawn", true}}), (std::vector<Pid>{2, 3}));
  EXPECT_THROW(remotecall_fetch(fn<die>, 2), ProcessExitedException);
  EXPECT_TRUE(eventually([] { return workers() == std::vector<Pid>{3, 4}; }));
  EXPECT_EQ(remotecall_fetch([] { return myid(); }, 4), 4);
  rmprocs(3);
  EXPECT_EQ(workers(), std::vector<Pid>{4});
  EXPECT_THROW(remotecall_fetch(fn<die>, 4), ProcessExitedException);
  EXPECT_TRUE(eventually([] { return workers() == std::vector<Pid>{5}; })) << "and no 6, for worker 3";
  const auto squares = pmap([](int x) { return x * x; }, range(1, 10));
  EXPECT_EQ(squares.back(), 100);
}

TEST_F(RespawnTest, OneThatIsLostAgainAndAgainIsNotReplacedForEver) {
  addprocs("local", {{"count", 1}, {"respawn", true}});
  CapturedStderr log;
  for (Pid pid = 2; pid < 2 + 14; pid++) {
    ASSERT_TRUE(eventually([&] { return workers() == std::vector<Pid>{pid}; })) << pid << log.text();
    EXPECT_THROW(remotecall_fetch(fn<die>, pid), ProcessExitedException);
  }
  EXPECT_TRUE(eventually([&] { return log.has("13 local workers were lost and replaced within a minute"); }));
  EXPECT_EQ(nprocs(), 1);
}

}  // namespace
}  // namespace cohort::test
