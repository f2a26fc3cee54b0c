// What a cluster's transport is chosen by, and that every process uses it. Run over each transport; see CMakeLists.txt.

#include <unistd.h>

#include <filesystem>
#include <string>

#include "cluster_test.hpp"
#include "raw_peer.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

class TransportsTest : public ClusterTest {
 protected:
  static ClusterFile cluster(const std::string& transport) {
    return ClusterFile::parse(
        R"({"version": 1, "managers": [{"plugin": "local", "count": 2}], "transport": )" + transport + "}", "test");
  }

  // A value goes from the master to one worker, from there to the other, and back.
  static void expect_talk(const std::vector<Pid>& pids) {
    ASSERT_EQ(pids.size(), 2u);
    const auto relay = [](Pid other, std::string text) {
      return remotecall_fetch([](std::string what) { return what + std::to_string(myid()); }, other, text);
    };
    EXPECT_EQ(remotecall_fetch(relay, pids[0], pids[1], std::string("x")), "x" + std::to_string(pids[1]));
  }

  static std::size_t sockets_in(const std::string& directory) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) count += entry.is_socket();
    return count;
  }
};

TEST_F(TransportsTest, UnixSocketsAreMadeWhereTheOptionsSayAndAreRemoved) {
  const std::string directory = std::filesystem::temp_directory_path() / ("cohort-test-" + std::to_string(::getpid()));
  const auto pids = addprocs(cluster(R"({"plugin": "unix", "options": {"dir": ")" + directory + "\"}}"));
  expect_talk(pids);
  EXPECT_EQ(sockets_in(directory), 2u);
  EXPECT_EQ(listening_port(pids[0]), 0) << "it listens at a TCP port as well";
  EXPECT_EQ(std::filesystem::status(directory).permissions(), std::filesystem::perms::owner_all);
  rmprocs(pids);
  EXPECT_FALSE(std::filesystem::exists(directory));
}

TEST_F(TransportsTest, WhatAKilledWorkerLeftIsRemovedByTheNext) {
  const std::string directory = std::filesystem::temp_directory_path() / ("cohort-test-" + std::to_string(::getpid()));
  const auto file = cluster(R"({"plugin": "unix", "options": {"dir": ")" + directory + "\"}}");
  const auto pids = addprocs(file);
  for (const Pid pid : pids) remote_do([] { ::_exit(9); }, pid);
  ASSERT_TRUE(eventually([] { return nprocs() == 1; }));
  ASSERT_EQ(sockets_in(directory), 2u);
  const auto next = addprocs(file);
  EXPECT_EQ(sockets_in(directory), 2u);
  rmprocs(next);
  EXPECT_FALSE(std::filesystem::exists(directory));
}

TEST_F(TransportsTest, AbstractNamesAreInNoDirectory) {
  expect_talk(addprocs(cluster(R"({"plugin": "unix", "options": {"abstract": true, "dir": "/no/such/directory"}})")));
}

#if COHORT_WITH_TLS
TEST_F(TransportsTest, TlsNeedsNoSetUpAndKeepsStrangersOut) {
  const auto pids = addprocs(cluster("\"tls\""));
  expect_talk(pids);
  RawPeer stranger(listening_port(pids[0]));
  const std::string answer = stranger.shake_hands(Handshake::Role::dialer, identity_of(master_pid), cluster_cookie());
  EXPECT_TRUE(contains(answer, "closed the connection before it greeted"))
      << "it speaks without encryption: " << answer;
  expect_talk(pids);
}
#endif

TEST_F(TransportsTest, AddressesOfAnInterfaceAreListenedAt) {
  expect_talk(
      addprocs(cluster(R"({"plugin": "tcp", "options": {"interface": "127.0.0.0/8", "advertise": "localhost"}})")));
  rmprocs(workers());
  const std::string error =
      thrown_by([] { addprocs(cluster(R"({"plugin": "tcp", "options": {"interface": "nosuch0"}})")); });
  EXPECT_TRUE(contains(error, "interface 'nosuch0': this host has no such address")) << error;
}

// Run once.
class MixedTransportsTest : public ClusterTest {
 protected:
  /// What is said when a master that dials by one transport gets a worker that listens by another one.
  static std::string failure(const std::string& of_master, const std::string& of_worker) {
    const auto file = ClusterFile::parse(
        R"({"version": 1, "transport": ")" + of_master +
            R"(", "managers": [{"plugin": "local", "count": 1, "options": {"exeflags": ["--cohort-transport=)" +
            of_worker + R"(", "--cohort-transport-options={}"]}}]})",
        "test");
    const std::string text = thrown_by<LaunchError>([&] { addprocs(file); });
    EXPECT_EQ(nprocs(), 1);
    EXPECT_TRUE(contains(text, "worker 2 of manager 'local' did not come up (step: ")) << text;
    return text;
  }
};

TEST_F(MixedTransportsTest, AnAddressOfAnotherTransportIsToldAsSuch) {
  const std::string by_tcp = failure("tcp", "unix");
  EXPECT_TRUE(contains(by_tcp, "cannot connect to unix:/")) << by_tcp;
  EXPECT_TRUE(contains(by_tcp, "the address must be host:port")) << by_tcp;
  EXPECT_TRUE(contains(by_tcp, "does the process there use another transport?")) << by_tcp;
}

#if COHORT_WITH_TLS
TEST_F(MixedTransportsTest, ByUnixSocketsToo) {
  const std::string by_unix = failure("unix", "tls");
  EXPECT_TRUE(contains(by_unix, "cannot connect to 127.0.0.1:")) << by_unix;
  EXPECT_TRUE(contains(by_unix, "the address must be unix:/path")) << by_unix;
  EXPECT_TRUE(contains(by_unix, "does the process there use another transport?")) << by_unix;
}

TEST_F(MixedTransportsTest, AMasterThatEncryptsFindsAWorkerOutThatDoesNot) {
  const std::string text = failure("tls", "tcp");
  EXPECT_TRUE(contains(text, "it does not speak TLS 1.3; do both processes use the transport tls?")) << text;
}

TEST_F(MixedTransportsTest, AMasterThatDoesNotEncryptIsToldThatTheTransportsMayDiffer) {
  const std::string text = failure("tcp", "tls");
  EXPECT_TRUE(contains(text, "(step: handshake; ")) << text;
  EXPECT_TRUE(contains(text, "the peer closed the connection before it greeted")) << text;
  EXPECT_TRUE(contains(text, "is it reached by the same transport")) << text;
}
#endif

}  // namespace
}  // namespace cohort::test
