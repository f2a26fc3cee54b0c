#include "parallel_flags.hpp"

#include <gtest/gtest.h>

namespace cohort::cli {
namespace {

TEST(ParallelFlags, ThoseThatAreNotHereHaveAnAdvice) {
  for (const std::string flag : {"-P", "-P4", "--max-procs=4", "-S", "--colsep", "--colsep=,", "-N2", "-X", "--eta",
                                 "--bar", "--dry-run", "--pipe", "--resume", "-u", "-q", "--shuf", "--sql"})
    EXPECT_NE(advice_for_parallel_flag(flag), "") << flag;
  EXPECT_NE(advice_for_parallel_flag("--colsep=,").find("::::+"), std::string::npos);
}

TEST(ParallelFlags, OthersHaveNone) {
  for (const std::string flag : {"--keep-oder", "--fo", "-Z", "--"})
    EXPECT_EQ(advice_for_parallel_flag(flag), "") << flag;
}

}  // namespace
}  // namespace cohort::cli
