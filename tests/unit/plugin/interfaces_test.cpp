#include <gtest/gtest.h>

#include <cohort/plugin.hpp>

namespace cohort {
namespace {

class Remembering final : public Transport {
 public:
  std::unique_ptr<Listener> listen(const std::string&) override { return nullptr; }
  IoPair connect(const std::string& address, Clock::time_point deadline) override {
    dialled = address;
    until = deadline;
    return {};
  }

  std::string dialled;
  Clock::time_point until;
};

class Plain final : public ClusterManager {
 public:
  void launch(const LaunchParams&, LaunchQueue&) override {}
  void manage(Pid, WorkerConfig&, ManageOp) override {}
};

TEST(ClusterManagerDefaults, DialsHostAndPortAndTellsThePeers) {
  Remembering transport;
  Plain manager;
  WorkerConfig config;
  config.host = "node1";
  config.port = 9000;
  Clock::time_point deadline = Clock::now() + std::chrono::seconds(7);
  manager.connect(2, config, transport, deadline);
  EXPECT_EQ(transport.dialled, "node1:9000");
  EXPECT_EQ(transport.until, deadline);
  EXPECT_EQ(config.connect_at, "node1:9000");
}

TEST(ClusterManagerDefaults, BracketsIpv6Hosts) {
  Remembering transport;
  Plain manager;
  for (const char* host : {"fe80::1", "[fe80::1]"}) {
    WorkerConfig config;
    config.host = host;
    config.port = 9000;
    manager.connect(2, config, transport, Clock::time_point::max());
    EXPECT_EQ(transport.dialled, "[fe80::1]:9000");
  }
}

TEST(ClusterManagerDefaults, PrefersConnectAt) {
  Remembering transport;
  Plain manager;
  WorkerConfig config;
  config.host = "node1";
  config.port = 9000;
  config.connect_at = "ipc:///run/worker";
  manager.connect(2, config, transport, Clock::time_point::max());
  EXPECT_EQ(transport.dialled, "ipc:///run/worker");
}

TEST(ClusterManagerDefaults, AWorkerWithoutAddressIsNamed) {
  Remembering transport;
  Plain manager;
  WorkerConfig config;
  config.host = "node1";
  EXPECT_THROW(
      try { manager.connect(7, config, transport, Clock::time_point::max()); } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("worker 7"), std::string::npos);
        throw;
      },
      Error);
  EXPECT_EQ(transport.dialled, "");
}

}  // namespace
}  // namespace cohort
