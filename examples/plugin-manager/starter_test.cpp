// Tests this cluster manager for what every manager must do. The workers run this program, so it needs the Session.

#include <gtest/gtest.h>

#include <cohort/contract/manager_suite.hpp>
#include <cohort/session.hpp>

using namespace cohort::contract;

INSTANTIATE_TEST_SUITE_P(Starter, ManagerContract,
                         testing::Values(ManagerUnderTest{.name = "starter", .plugin = PLUGIN_FILE}), name_of);

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
