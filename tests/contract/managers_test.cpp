// The cluster managers of this repository under the contract of all managers. The workers are this program.

#include <gtest/gtest.h>

#include <cohort/contract/manager_suite.hpp>
#include <cohort/session.hpp>

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

INSTANTIATE_TEST_SUITE_P(Zmq, ManagerContract, testing::Values(ManagerUnderTest{.name = "zmq", .plugin = "zmq"}),
                         name_of);

// With somebody who starts the workers.
INSTANTIATE_TEST_SUITE_P(Elastic, ManagerContract,
                         testing::Values(ManagerUnderTest{
                             .name = "staffed", .plugin = COHORT_TEST_PLUGINS "/libcohort_manager_staffed.so"}),
                         name_of);

// What `cohort plugin new manager` writes.
INSTANTIATE_TEST_SUITE_P(Example, ManagerContract,
                         testing::Values(ManagerUnderTest{
                             .name = "starter", .plugin = COHORT_TEST_PLUGINS "/libcohort_manager_starter.so"}),
                         name_of);

}  // namespace
}  // namespace cohort::contract

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
