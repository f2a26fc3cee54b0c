// What a cluster's transport is chosen by, and that every process uses it. Run over each transport; see CMakeLists.txt.

#include <unistd.h>

#include <filesystem>
#include <string>

#include "cluster_test.hpp"
#include "raw_peer.hpp"

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

TEST_F(TransportsTest, TlsNeedsNoSetUpAndKeepsStrangersOut) {
  const auto pids = addprocs(cluster("\"tls\""));
  expect_talk(pids);
  RawPeer stranger(listening_port(pids[0]));
  const std::string answer = stranger.shake_hands(Handshake::Role::dialer, identity_of(master_pid), cluster_cookie());
  EXPECT_NE(answer, "") << "the worker speaks without encryption";
  expect_talk(pids);
}

TEST_F(TransportsTest, AWorkerOfAnotherTransportIsAnErrorThatSaysWhy) {
  AddprocsOptions options;
  options.exeflags = {"--cohort-transport=inproc"};
  options.timeouts = Timeouts{};
  options.timeouts->connect = std::chrono::seconds(5);
  EXPECT_NE(thrown_by<Error>([&] { addprocs(1, options); }), "");
  EXPECT_EQ(nprocs(), 1);
}

TEST_F(TransportsTest, AddressesOfAnInterfaceAreListenedAt) {
  expect_talk(
      addprocs(cluster(R"({"plugin": "tcp", "options": {"interface": "127.0.0.0/8", "advertise": "localhost"}})")));
  rmprocs(workers());
  const std::string error =
      thrown_by([] { addprocs(cluster(R"({"plugin": "tcp", "options": {"interface": "nosuch0"}})")); });
  EXPECT_TRUE(contains(error, "interface 'nosuch0': this host has no such address")) << error;
}

}  // namespace
}  // namespace cohort::test
