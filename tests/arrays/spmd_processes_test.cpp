#include <csignal>

#include <chrono>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include <cohort/spmd.hpp>

#include "../cluster/cluster_test.hpp"

// Teams of real processes.

namespace cohort::test {
namespace {

class SpmdProcesses : public ClusterTest {
 protected:
  static void expect_nothing_left() {
    EXPECT_TRUE(eventually([] {
      for (const Pid pid : procs())
        if (remotecall_fetch([] { return detail::open_teams(); }, pid) != 0 || reference_count(pid) != 0) return false;
      return true;
    }));
  }
};

TEST_F(SpmdProcesses, RanksOfAllTopologiesTalkToEachOther) {
  for (const char* topology : {"all_to_all", "master_worker"}) {
    addprocs(3, {.topology = topology});
    const auto lengths = spmd(procs(), [](Team& team) {
      const std::string text = "from rank " + std::to_string(team.rank());
      for (int to = 0; to < team.size(); to++) team.send(text, to);
      std::size_t length = 0;
      for (int from = 0; from < team.size(); from++) length += team.receive<std::string>(from).size();
      std::vector<double> large(1 << 17);
      std::iota(large.begin(), large.end(), team.rank());
      const auto sums = team.all_reduce(
          [](std::vector<double> a, const std::vector<double>& b) {
            for (std::size_t i = 0; i < a.size(); i++) a[i] += b[i];
            return a;
          },
          std::move(large));
      return length + static_cast<std::size_t>(sums[1]) + team.broadcast(sums, 2).size();
    });
    EXPECT_EQ(lengths, std::vector<std::size_t>(4, 4 * 11 + 10 + (1 << 17))) << topology;
    expect_nothing_left();
    rmprocs(workers());
  }
}

TEST_F(SpmdProcesses, AWorkerThatIsKilledEndsTheWaitsOfAllOthers) {
  const auto pids = addprocs(3);
  try {
    spmd(pids, [](Team& team) {
      team.barrier();
      if (team.rank() == 1) raise(SIGKILL);
      team.barrier();
    });
    FAIL();
  } catch (const ProcessExitedException& error) {
    EXPECT_EQ(error.worker_id(), pids[1]);
    EXPECT_TRUE(contains(error.cause(), "9")) << error.cause();
  }
  const auto left = workers();
  EXPECT_EQ(left.size(), 2U);
  EXPECT_EQ(spmd(left, [](Team& team) { return team.all_reduce(std::plus<>(), 1); }), std::vector<int>(2, 2));
  expect_nothing_left();
}

TEST_F(SpmdProcesses, NothingIsLeftOfTheTeamOfACallerThatWasKilled) {
  const auto pids = addprocs(3);
  auto call = remotecall(
      [](const std::vector<Pid>& others) {
        spmd(others, [](Team& team) {
          if (team.rank() == 0) remote_do([] { raise(SIGKILL); }, this_call().caller());
          team.receive<int>(1 - team.rank());
        });
      },
      pids[0], std::vector<Pid>{pids[1], pids[2]});
  EXPECT_THROW(call.fetch(), ProcessExitedException);
  expect_nothing_left();
}

}  // namespace
}  // namespace cohort::test
