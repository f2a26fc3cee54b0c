// Connections through ssh: of the master to its workers, and of logins by a jump host.

#include <netinet/in.h>
#include <sys/socket.h>

#include <filesystem>
#include <numeric>

#include "../cluster/connections.hpp"
#include "ssh_test.hpp"

namespace cohort::test {
namespace {

class SshTunnelTest : public SshTest {};

/// The ports of others that this process is connected to.
std::vector<int> peer_ports() {
  std::vector<int> ports;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(std::stoi(entry.path().filename()), reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (peer.sin_family == AF_INET) ports.push_back(ntohs(peer.sin_port));
  }
  return ports;
}

std::vector<long> echo(std::vector<long> numbers) { return numbers; }

TEST_F(SshTunnelTest, TheMasterConnectsToTheServerOnly) {
  auto& server = serve();
  const auto pids = addprocs("ssh", server.options(R"(["3*127.0.0.1", "127.0.0.2"])", R"("tunnel": true)"));
  ASSERT_EQ(pids.size(), 4u);
  EXPECT_THAT(peer_ports(), testing::ElementsAre(server.port(), server.port()));
  for (const Pid from : pids)
    for (const Pid to : pids) EXPECT_EQ(ask(from, to), to);
}

TEST_F(SshTunnelTest, LargeValuesGoBothWaysAtOnce) {
  auto& server = serve();
  AddprocsOptions how;
  how.timeouts.emplace().heartbeat = 1h;  // whose messages would set a session going again that stands still
  const auto pids = addprocs("ssh", server.options(R"(["3*127.0.0.1"])", R"("tunnel": true)"), how);
  std::vector<long> numbers(1 << 20);
  std::iota(numbers.begin(), numbers.end(), 7);
  std::vector<Future<std::vector<long>>> echoes;
  for (int round = 0; round < 2; ++round)
    for (const Pid pid : pids) echoes.push_back(remotecall(fn<echo>, pid, numbers));
  for (auto& each : echoes) EXPECT_TRUE(each.fetch() == numbers);
}

TEST_F(SshTunnelTest, AServerThatForwardsNothingIsAnError) {
  auto& server = serve("AllowTcpForwarding no");
  const auto text = failure(server.options(R"(["127.0.0.1"])", R"("tunnel": true)"));
  EXPECT_THAT(text, HasSubstr("the ssh server does not connect us to 127.0.0.1 port "));
}

TEST_F(SshTunnelTest, TlsIsRefusedByItsName) {
  auto& server = serve();
  const auto file = ClusterFile::parse(R"({"version": 1, "transport": "unix", "managers": [
      {"plugin": "ssh", "options": )" + server.options(R"(["127.0.0.1"])", R"("tunnel": true)") +
                                           "}]}",
                                       "test");
  EXPECT_THAT(thrown_within(0s, [&] { addprocs(file); }), HasSubstr("tunnel"));
}

TEST_F(SshTunnelTest, AJumpHostIsLoggedInAtOnce) {
  auto& gate = serve();
  Sshd inside;
  // One key for both, as a user has.
  std::filesystem::copy_file(gate.path("authorized_keys"), inside.path("authorized_keys"),
                             std::filesystem::copy_options::overwrite_existing);
  std::ofstream(gate.path("known_hosts"), std::ios::app) << std::ifstream(inside.path("known_hosts")).rdbuf();
  const std::string options = R"({"machines": ["127.0.0.[2-4]:)" + std::to_string(inside.port()) +
                              R"("], "jump": "127.0.0.1:)" + std::to_string(gate.port()) + R"(", "tunnel": true, )" +
                              R"("identity": ")" + gate.path("key") + R"(", "known_hosts": ")" +
                              gate.path("known_hosts") + R"("})";
  const auto pids = addprocs("ssh", options);
  ASSERT_EQ(pids.size(), 3u);
  EXPECT_THAT(peer_ports(), testing::ElementsAre(gate.port()));
  EXPECT_EQ(gate.logins(), 1u);
  EXPECT_EQ(inside.logins(), 3u);
  EXPECT_EQ(ask(pids[0], pids[2]), pids[2]);
  rmprocs(pids);
}

TEST_F(SshTunnelTest, AJumpHostThatCannotBeUsedIsNamed) {
  auto& server = serve();
  const auto text = failure(server.options(R"(["127.0.0.2"])", R"("jump": "127.0.0.1:1")"));
  EXPECT_THAT(text, HasSubstr("127.0.0.2: connect: the jump host 127.0.0.1:1 cannot be used: connect: "));
  const auto behind = failure(server.options(R"(["127.0.0.2:1"])", R"("jump": "127.0.0.1")"));
  EXPECT_THAT(behind, HasSubstr("127.0.0.2:1: connect: by the jump host: "));
}

}  // namespace
}  // namespace cohort::test
