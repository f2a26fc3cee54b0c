#include "base/progress_bar.hpp"

#include <gtest/gtest.h>

namespace cohort {
namespace {

using namespace std::chrono_literals;

TEST(ProgressText, SaysHowFarHowFastAndHowLongYet) {
  EXPECT_EQ(progress_text({48, 2, 100, 4s}, 200), "[##########----------] 50/100, 2 failed, 12.5/s, 4s left");
  EXPECT_EQ(progress_text({1, 0, 4000, 2s}, 200), "[--------------------] 1/4000, 0.5/s, 2h13m left");
}

TEST(ProgressText, WithoutATotalOrAResultItSaysLess) {
  EXPECT_EQ(progress_text({3, 0, std::nullopt, 2s}, 200), "3 done, 1.5/s");
  EXPECT_EQ(progress_text({0, 0, 5, 2s}, 200), "[--------------------] 0/5");
  EXPECT_EQ(progress_text({0, 0, 0, 0s}, 200), "0 done");
}

TEST(ProgressText, FitsTheLine) { EXPECT_EQ(progress_text({48, 2, 100, 4s}, 10), "[#########"); }

}  // namespace
}  // namespace cohort
