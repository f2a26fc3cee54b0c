// The transports of this repository under the contract of all transports.

#include <cohort/contract/transport_suite.hpp>

#include "test_programs.hpp"

namespace cohort::contract {
namespace {

constexpr const char* over_tcp = R"({"same_host": "tcp"})";

INSTANTIATE_TEST_SUITE_P(
    Tcp, TransportContract,
    testing::Values(
        TransportUnderTest{.name = "v4", .plugin = "tcp", .options = over_tcp},
        TransportUnderTest{.name = "v6", .plugin = "tcp", .options = over_tcp, .bind = "::1", .optional = true},
        TransportUnderTest{.name = "same_host", .plugin = "tcp"},
        TransportUnderTest{.name = "same_host_unix", .plugin = "tcp", .options = R"({"same_host": "unix"})"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(Shm, TransportContract, testing::Values(TransportUnderTest{.name = "rings", .plugin = "shm"}),
                         name_of);

INSTANTIATE_TEST_SUITE_P(Unix, TransportContract,
                         testing::Values(TransportUnderTest{.name = "path", .plugin = "unix"},
                                         TransportUnderTest{
                                             .name = "abstract", .plugin = "unix", .options = R"({"abstract": true})"}),
                         name_of);

INSTANTIATE_TEST_SUITE_P(
    InMemory, TransportContract,
    testing::Values(TransportUnderTest{.name = "inproc", .plugin = "inproc", .between_processes = false},
                    TransportUnderTest{.name = "inproc_small",
                                       .plugin = "inproc",
                                       .options = R"({"capacity": "1KiB"})",
                                       .between_processes = false}),
    name_of);

// What `cohort plugin new transport` writes.
INSTANTIATE_TEST_SUITE_P(Example, TransportContract,
                         testing::Values(TransportUnderTest{
                             .name = "courier", .plugin = COHORT_TEST_PLUGINS "/good/libcohort_transport_courier.so"}),
                         name_of);

}  // namespace
}  // namespace cohort::contract
