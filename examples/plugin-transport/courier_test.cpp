// Tests this transport for what every transport must do.

#include <gtest/gtest.h>

#include <cohort/contract/transport_suite.hpp>

using namespace cohort::contract;

INSTANTIATE_TEST_SUITE_P(Courier, TransportContract,
                         testing::Values(TransportUnderTest{.name = "courier", .plugin = PLUGIN_FILE}), name_of);
