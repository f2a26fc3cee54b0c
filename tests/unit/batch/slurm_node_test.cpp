#include "slurm/slurm_node.hpp"

#include <gtest/gtest.h>

namespace cohort_slurm {
namespace {

TEST(SlurmNode, WhatSinfoSaysAgainstANodeIsItsTrouble) {
  EXPECT_EQ(trouble_by_state("n2", "down*|Not responding\ndown*|Not responding\n"),
            "its node n2 does not answer (down, Not responding)");
  EXPECT_EQ(trouble_by_state("n2", "allocated*|none\n"), "its node n2 does not answer (allocated)");
  EXPECT_EQ(trouble_by_state("n2", "down|disk full\n"), "its node n2 is not in use (down, disk full)");
  for (const char* good : {"allocated|none\n", "mixed|none\n", "idle|none\n", "draining|memory", "", "\n", "nonsense"})
    EXPECT_EQ(trouble_by_state("n2", good), "") << good;
}

// It does not run a command.
TEST(SlurmNode, OfAWorkerWhoseNodeIsNotKnownNothingIsSaid) {
  EXPECT_EQ(trouble_of_node("", "1", 99), "");
  EXPECT_EQ(trouble_of_node("cohort-task 0 99 n1\ncohort-task 1 99 n2\n", "1", 99), "");
}

}  // namespace
}  // namespace cohort_slurm
