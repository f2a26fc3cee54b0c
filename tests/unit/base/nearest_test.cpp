#include "base/nearest.hpp"

#include <gtest/gtest.h>

namespace cohort::detail {
namespace {

const std::vector<std::string> names = {"tcp", "tls", "unix", "managers", "keep-order", "h", "k"};

TEST(Nearest, SlipsOfTheFingersAreForgiven) {
  EXPECT_EQ(did_you_mean("tpc", names), "; did you mean 'tcp'?");  // two letters swapped
  EXPECT_EQ(did_you_mean("mangers", names), "; did you mean 'managers'?");
  EXPECT_EQ(did_you_mean("unxi", names), "; did you mean 'unix'?");
  EXPECT_EQ(did_you_mean("keep-oder", names), "; did you mean 'keep-order'?");
  EXPECT_EQ(did_you_mean("tcp", names), "; did you mean 'tcp'?");
}

TEST(Nearest, TheMostSimilarNameWins) {
  EXPECT_EQ(did_you_mean("tc", names), "; did you mean 'tcp'?");
  EXPECT_EQ(did_you_mean("tsl", names), "; did you mean 'tls'?");
}

TEST(Nearest, OtherWordsHaveNoNearest) {
  for (const char* word : {"", "q", "xyz", "pct", "order", "nothing-of-that"})
    EXPECT_EQ(nearest(word, names), nullptr) << word;
  EXPECT_EQ(nearest("x", {}), nullptr);
  EXPECT_EQ(nearest(std::string(1000, 'x'), {std::string(1000, 'x')}), nullptr);
}

}  // namespace
}  // namespace cohort::detail
