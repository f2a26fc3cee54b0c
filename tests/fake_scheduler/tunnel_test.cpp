// Workers that do not reach the master, and come by a command.

#include <string>

#include <gtest/gtest.h>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../cli/tool.hpp"
#include "../ssh/sshd.hpp"
#include "fake_scheduler.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class TunnelTest : public testing::Test {
 protected:
  ToolResult run(const std::string& arguments, const std::string& tunnel, const std::string& mode = "") {
    return run_script(
        "exec \"$cohort\" run " + arguments + " -o 'tunnel=" + tunnel + "' " COHORT_BATCH_PROGRAM " " + mode,
        {.standard_input = "", .dir = files_.path(), .when_printed = "", .then = {}});
  }

  const ::TemporaryDirectory files_;
  const FakeScheduler scheduler_{"slurm"};
};

// A command by which any address is reached that the server reaches.
std::string by(const Sshd& server) {
  return "ssh -F none -o BatchMode=yes -i " + server.path("key") +
         " -o UserKnownHostsFile=" + server.path("known_hosts") + " -p " + std::to_string(server.port()) +
         " -W {address} 127.0.0.1";
}

TEST_F(TunnelTest, WorkersComeByAnSshServer) {
  const Sshd login;
  const auto result = run("-m slurm -p 3", by(login), "map 30 10");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "workers 3 on")) << result.out;
  EXPECT_TRUE(contains(result.out, "all right")) << result.out;
  EXPECT_EQ(login.logins(), 3u) << login.log();
  EXPECT_TRUE(contract::eventually([&] { return scheduler_.processes().empty(); })) << scheduler_.processes();
}

// Schedulers send it to all processes of a job. Then another job takes its place.
TEST_F(TunnelTest, ASignalThatLetsWorkersLeaveDoesNotCutTheTunnel) {
  const Sshd login;
  const auto result = run(R"(-m slurm -p 2 -o walltime=9s -o drain=1s -o respawn=true -o 'flags=["--signal=USR1@7"]')",
                          by(login), "map 40 100");
  EXPECT_TRUE(contains(result.out, "all right, by ")) << result.out << result.err;
  EXPECT_TRUE(contains(result.err, "got SIGUSR1, and leaves when it has finished")) << result.err;
  EXPECT_FALSE(contains(result.err, "terminated")) << "the workers had finished: " << result.err;
}

TEST_F(TunnelTest, OneThatFailsFailsTheLaunchWithItsWords) {
  const auto result = run("-m slurm -p 1 -o launch=20s", "sh -c \"echo no way out >&2; exit 3\"");
  EXPECT_NE(result.code, 0);
  EXPECT_TRUE(contains(result.err, "no way out")) << result.err;
}

TEST_F(TunnelTest, ItIsForTheTransportTcp) {
  const auto result = run("-m slurm -p 1 --transport unix", "true");
  EXPECT_NE(result.code, 0);
  EXPECT_TRUE(contains(result.err, "tunnel: the cluster's transport is 'unix'")) << result.err;
}

}  // namespace
}  // namespace cohort::test
