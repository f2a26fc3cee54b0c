// Tests with real worker processes. The workers run this same program: the Session takes them aside before any test.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/cohort.hpp>

#include "connections.hpp"
#include "own_wire.hpp"
#include "processes.hpp"
#include "test_programs.hpp"
#if COHORT_WITH_ZMQ && COHORT_WITH_TOOL
#include "../contract/zmq_broker.hpp"
#endif

#if COHORT_WITH_ZMQ && COHORT_WITH_TOOL
namespace {

// With --over-zmq last: a broker for this process and its workers, and the flags to use it.
struct OverZmq {
  cohort::contract::ZmqBroker broker;
  std::string plugin = "--cohort-transport=zmq";
  std::string options = "--cohort-transport-options=" + broker.options();
};

}  // namespace
#endif

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "--own-wire") return cohort::test::serve_by_own_wire(argv[2], argv[3]);
  std::vector<char*> arguments(argv, argv + argc);
#if COHORT_WITH_ZMQ && COHORT_WITH_TOOL
  std::optional<OverZmq> zmq;
  if (std::string_view(arguments.back()) == "--over-zmq") {
    zmq.emplace();
    cohort::test::servant = zmq->broker.process().pid();
    cohort::test::connections_are_sockets = false;
    arguments.back() = zmq->plugin.data();
    arguments.push_back(zmq->options.data());
  }
#endif
  argc = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  argv = arguments.data();
  cohort::Session session(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
