// Tests with ssh hosts. Their workers run this same program; only the test itself enters the network of the hosts.

#include <cstring>

#include <gtest/gtest.h>

#include <cohort/cohort.hpp>

#include "host_bed.hpp"

int main(int argc, char** argv) {
  bool is_worker = false;
  for (int i = 1; i < argc; ++i) is_worker |= std::strcmp(argv[i], "--cohort-worker") == 0;
  if (!is_worker) cohort::test::enter_head();
  cohort::Session session(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
