#include "membership/ident_pattern.hpp"

#include <gtest/gtest.h>

#include <cohort/error.hpp>

namespace cohort {
namespace {

using Names = std::vector<std::string>;

TEST(IdentPattern, RangesMakeNamesInOrder) {
  EXPECT_EQ(IdentPattern("gpu").names(), Names{"gpu"});
  EXPECT_EQ(IdentPattern("n[1-3]").names(), (Names{"n1", "n2", "n3"}));
  EXPECT_EQ(IdentPattern("n[08-11,2]x").names(), (Names{"n08x", "n09x", "n10x", "n11x", "n02x"}));
  EXPECT_EQ(IdentPattern("r[0-1]n[1,3]").names(), (Names{"r0n1", "r0n3", "r1n1", "r1n3"}));
  EXPECT_EQ(IdentPattern("[9-10]").names(), (Names{"9", "10"}));
}

TEST(IdentPattern, MatchesWhatItNames) {
  for (const std::string text : {"gpu", "n[1-3]", "n[08-11,2]x", "r[0-1]n[1,3]", "[9-10]", "a[1-2][1-2]"}) {
    for (const auto& name : IdentPattern(text).names()) EXPECT_TRUE(IdentPattern(text).matches(name)) << name;
  }
  EXPECT_FALSE(IdentPattern("n[1-3]").matches("n4"));
  EXPECT_FALSE(IdentPattern("n[1-3]").matches("n01"));
  EXPECT_FALSE(IdentPattern("n[01-03]").matches("n1"));
  EXPECT_FALSE(IdentPattern("n[1-3]").matches("n"));
  EXPECT_FALSE(IdentPattern("n[1-3]").matches("n1x"));
  EXPECT_FALSE(IdentPattern("n").matches(""));
}

TEST(IdentPattern, StarsAndQuestionMarks) {
  EXPECT_TRUE(IdentPattern("*").matches(""));
  EXPECT_TRUE(IdentPattern("b*").matches("b"));
  EXPECT_TRUE(IdentPattern("b*[1-2]").matches("b12"));
  EXPECT_FALSE(IdentPattern("b*[1-2]").matches("b13"));
  EXPECT_TRUE(IdentPattern("*-?").matches("lab-7"));
  EXPECT_FALSE(IdentPattern("?").matches(""));
  EXPECT_THROW(IdentPattern("b*").names(), ConfigError);
}

// With a way back for each star, this would not end.
TEST(IdentPattern, ManyStarsAndNumbersTakeNoLonger) {
  std::string stars, numbers;
  for (int i = 0; i < 100; i++) {
    stars += "*a";
    numbers += "[1-999999999]";
  }
  const std::string letters(1000, 'a'), digits(500, '1');
  EXPECT_TRUE(IdentPattern(stars).matches(letters));
  EXPECT_FALSE(IdentPattern(stars + "b").matches(letters));
  EXPECT_TRUE(IdentPattern(numbers).matches(digits));
  EXPECT_FALSE(IdentPattern(numbers + "b").matches(digits));
}

TEST(IdentPattern, MalformedOnesAreErrors) {
  for (const std::string text : {"", "n[1", "n1]", "n[]", "n[2-1]", "n[a]", "n[1-]", "n[1,]", "n[-1]", "a,b",
                                 "n[1234567890]", "n[1;2]", "n[[1]]"})
    EXPECT_THROW(IdentPattern{text}, ConfigError) << text;
  EXPECT_THROW(IdentPattern("n[0-99999]").names(), ConfigError);
  EXPECT_THROW(IdentPattern("[0-999][0-999]").names(), ConfigError);
}

}  // namespace
}  // namespace cohort
