// Tests with ssh hosts. Their workers run this same program; only the test itself enters the network of the hosts.
// COHORT_TESTBED=loopback: as if namespaces were not permitted.

#include <cstdlib>
#include <cstring>
#include <string_view>

#include <gtest/gtest.h>

#include <cohort/cohort.hpp>

#include "host_bed.hpp"

int main(int argc, char** argv) {
  bool is_worker = false;
  for (int i = 1; i < argc; ++i) is_worker |= std::strcmp(argv[i], "--cohort-worker") == 0;
  const char* bed = std::getenv("COHORT_TESTBED");
  const bool isolated = bed == nullptr || std::string_view(bed) != "loopback";
  if (!is_worker && isolated) cohort::test::enter_head();
  cohort::Session session(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
