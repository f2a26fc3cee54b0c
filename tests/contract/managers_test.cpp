// The cluster managers of this repository under the contract of all managers. The workers are this program.

#include <gtest/gtest.h>

#include <memory>
#include <string_view>

#include <cohort/contract/manager_suite.hpp>
#include <cohort/session.hpp>

#include "../ssh/sshd.hpp"
#include "own_wire.hpp"
#include "test_programs.hpp"

namespace cohort::contract {
namespace {

INSTANTIATE_TEST_SUITE_P(Local, ManagerContract,
                         testing::Values(ManagerUnderTest{.name = "local",
                                                          .plugin = "local",
                                                          .bad_options = {{R"({"threads": 0})", "threads"},
                                                                          {R"({"affinity": "all"})", "affinity"}}}),
                         name_of);

INSTANTIATE_TEST_SUITE_P(
    UnixSocket, ManagerContract,
    testing::Values(
        ManagerUnderTest{.name = "path", .plugin = "unixsocket", .bad_options = {{R"({"abstract": 1})", "abstract"}}},
        ManagerUnderTest{.name = "abstract", .plugin = "unixsocket", .options = R"({"abstract": true})"}),
    name_of);

#if COHORT_WITH_ZMQ
INSTANTIATE_TEST_SUITE_P(Zmq, ManagerContract, testing::Values(ManagerUnderTest{.name = "zmq", .plugin = "zmq"}),
                         name_of);
#endif

#if COHORT_WITH_SSH
// By a server of its own; one worker on each address, so that no worker is launched by another.
std::string ssh_options(const std::string& more) {
  static std::unique_ptr<test::Sshd> server;
  server = std::make_unique<test::Sshd>();
  return server->options(R"(["127.0.0.[1-9]"])", more);
}

INSTANTIATE_TEST_SUITE_P(Ssh, ManagerContract,
                         testing::Values(ManagerUnderTest{.name = "direct",
                                                          .plugin = "ssh",
                                                          .bad_options = {{R"({"machines": []})", "machines"},
                                                                          {R"({"machines": ["a:99999"]})", "99999"}},
                                                          .make_options = [] { return ssh_options(""); }},
                                         ManagerUnderTest{
                                             .name = "tunnel",
                                             .plugin = "ssh",
                                             .make_options = [] { return ssh_options(R"("tunnel": true)"); }}),
                         name_of);
#endif

#if COHORT_WITH_TOOL
// With somebody who starts the workers.
INSTANTIATE_TEST_SUITE_P(Elastic, ManagerContract,
                         testing::Values(ManagerUnderTest{
                             .name = "staffed", .plugin = COHORT_TEST_PLUGINS "/good/libcohort_manager_staffed.so"}),
                         name_of);
#endif

// Without a plugin and without a transport.
INSTANTIATE_TEST_SUITE_P(OwnWire, ManagerContract,
                         testing::Values(ManagerUnderTest{.name = "in_program", .make_manager = make_own_wire_manager}),
                         name_of);

// What `cohort plugin new manager` writes.
INSTANTIATE_TEST_SUITE_P(Example, ManagerContract,
                         testing::Values(ManagerUnderTest{
                             .name = "starter", .plugin = COHORT_TEST_PLUGINS "/good/libcohort_manager_starter.so"}),
                         name_of);

}  // namespace
}  // namespace cohort::contract

int main(int argc, char** argv) {
  using namespace cohort::contract;
  if (argc > 2 && std::string_view(argv[1]) == own_wire_flag) return serve_by_own_wire(argv[2]);
  cohort::Session session(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
