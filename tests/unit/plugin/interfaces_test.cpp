#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iomanip>
#include <sstream>
#include <string>

#include <cohort/plugin.hpp>

#include "test_programs.hpp"

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

// The pointer to a virtual function is the place in the table, in bytes, plus one (Itanium C++ ABI, 2.3).
template <class Function>
std::size_t place_of(Function function) {
  std::size_t place;
  static_assert(sizeof function >= sizeof place);
  std::memcpy(&place, &function, sizeof place);
  return place - 1;
}

std::string interface_text() {
  std::ostringstream text;
  const auto print = [&](const auto& rows) {
    for (const detail::InterfaceRow& row : rows)
      text << row.name << ' ' << std::dec << row.offset << ' ' << std::hex << std::setw(16) << std::setfill('0')
           << row.shape << '\n';
  };
  print(detail::options_rows);
  print(detail::worker_config_rows);
  print(detail::launch_params_rows);
  print(detail::manager_rows);
  print(detail::transport_rows);
  print(detail::stream_rows);
  print(detail::process_rows);
  const auto& [launch, manage, connect, kill, exit_cause, push, fail, keep_open, extend, expect, after_manager,
               after_queue] = detail::plugin_interface.manager_places;
  const auto& [listen, dial, set_secret, address, accept, descriptor, on_acceptable, after_transport, after_listener] =
      detail::plugin_interface.transport_places;
  const auto& [read, of_reader, on_readable, close_reader, write, of_writer, on_writable, close_writer, after_reader,
               after_writer] = detail::plugin_interface.stream_places;
  text << std::dec << "places";
  for (const std::size_t place :
       {place_of(launch),         place_of(manage),        place_of(connect),     place_of(kill),
        place_of(exit_cause),     place_of(push),          place_of(fail),        place_of(keep_open),
        place_of(extend),         place_of(expect),        place_of(listen),      place_of(dial),
        place_of(set_secret),     place_of(address),       place_of(accept),      place_of(descriptor),
        place_of(on_acceptable),  place_of(read),          place_of(of_reader),   place_of(on_readable),
        place_of(close_reader),   place_of(write),         place_of(of_writer),   place_of(on_writable),
        place_of(close_writer),   place_of(after_manager), place_of(after_queue), place_of(after_transport),
        place_of(after_listener), place_of(after_reader),  place_of(after_writer)})
    text << ' ' << place;
  text << '\n';
  return text.str();
}

#if defined(__x86_64__) && defined(__GLIBCXX__)
// A change of the interface breaks old plugins: it is to be seen, and increases plugin_abi_major or _minor.
TEST(PluginInterface, IsTheOneThatIsWrittenDown) {
  std::ifstream file(COHORT_TEST_SOURCES "/unit/plugin/interface.txt");
  std::stringstream written;
  written << file.rdbuf();
  EXPECT_EQ(written.str(), interface_text()) << "if the change is meant, replace the file by this:\n"
                                             << interface_text();
}
#endif

}  // namespace
}  // namespace cohort
