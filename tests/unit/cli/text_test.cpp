#include "text.hpp"

#include <gtest/gtest.h>

namespace {

using cohort::cli::printable;

TEST(Printable, TextsOfPeopleStayAsTheyAre) {
  for (const std::string text : {"", "two\nlines\n", "a\ttab", "Grüße, 漢字", "don't"})
    EXPECT_EQ(printable(text), text);
}

TEST(Printable, NothingThatATerminalWouldObeyIsLeft) {
  EXPECT_EQ(printable("a\x1b[2Jb\rc\x7f\a"), "a\\x1b[2Jb\\x0dc\\x7f\\x07");
  EXPECT_EQ(printable(std::string("nul\0byte", 8)), "nul\\x00byte");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\xc2\\x9b31m");
}

TEST(Printable, LongTextsAreCutAndSayBy) {
  const auto line = printable("input " + std::string(5'000'000, 'x') + "\nend");
  EXPECT_LT(line.size(), 3000u);
  EXPECT_TRUE(line.ends_with("xxx... (5000006 bytes)\nend")) << line;
  std::string many;
  for (int i = 0; i < 100'000; i++) many += "line\n";
  EXPECT_LT(printable(many).size(), 100'000u);
  // No character is cut in two.
  std::string wide(1999, 'x');
  for (int i = 0; i < 100; i++) wide += "ü";
  EXPECT_EQ(printable(wide).substr(1999, 10), "... (2199 ");
}

}  // namespace
