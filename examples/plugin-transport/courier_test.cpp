// What every transport must do, over this one.

#include <gtest/gtest.h>

#include <cohort/contract/transport_suite.hpp>

using namespace cohort::contract;

INSTANTIATE_TEST_SUITE_P(Courier, TransportContract,
                         testing::Values(TransportUnderTest{.name = "courier", .plugin = PLUGIN_FILE}), name_of);
