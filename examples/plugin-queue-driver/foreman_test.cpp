// Tests this driver for what every driver must do, with the scheduler that is here. Add your own tests.

#include <gtest/gtest.h>

#include <cohort/contract/driver_suite.hpp>

#include "foreman_driver.hpp"

using namespace cohort::contract;

INSTANTIATE_TEST_SUITE_P(Foreman, DriverContract,
                         testing::Values(DriverUnderTest{.name = "foreman",
                                                         .make = make_driver<ForemanDriver>(foreman_options),
                                                         .status_program = "bjobs",
                                                         .stays_queued = R"({"flags": ["-H"]})",
                                                         .refused = R"({"partition": "nowhere"})",
                                                         .many_workers = "{}"}),
                         name_of);
