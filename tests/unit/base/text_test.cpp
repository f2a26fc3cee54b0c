#include "base/text.hpp"

#include <gtest/gtest.h>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

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

namespace cohort {
namespace {

TEST(Excerpt, LeavesOrdinaryTextAlone) {
  for (const char* text : {"", "node01", "grüße aus 東京 \xf0\x9f\x98\x80", "a\\b 'c' \"d\""})
    EXPECT_EQ(excerpt(text), text);
}

TEST(Excerpt, CutsWhatIsLongAtACharacter) {
  EXPECT_EQ(excerpt(std::string(200, 'x')), std::string(200, 'x'));
  EXPECT_EQ(excerpt(std::string(201, 'x')), std::string(200, 'x') + "... (201 bytes)");
  EXPECT_EQ(excerpt("aä", 2), "a... (3 bytes)");
  EXPECT_EQ(excerpt(std::string(20 << 20, 'x')).size(), 200u + std::string("... (20971520 bytes)").size());
}

TEST(Excerpt, ShowsWhatTerminalsWouldObey) {
  EXPECT_EQ(excerpt("\x1b[2J\a\r\x7f\n\t"), "\\x1b[2J\\x07\\x0d\\x7f\\n\\t");
  EXPECT_EQ(excerpt(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(excerpt("\xc2\x9b[2J"), "\\xc2\\x9b[2J") << "the control sequence introducer of eight bits";
  EXPECT_EQ(excerpt("a\nb\tc\x1b", 200, true), "a\nb\tc\\x1b");
}

TEST(Excerpt, ShowsWhatTurnsTheOrderOfLettersAround) {
  EXPECT_EQ(excerpt("a\u202e"
                    "gpj"),
            "a\\xe2\\x80\\xaegpj");
  for (const char* text : {"\u200e", "\u200f", "\u2028", "\u2029", "\u202a", "\u2066", "\u2069", "\u061c"})
    EXPECT_EQ(excerpt(text).substr(0, 2), "\\x") << excerpt(text);
  for (const char* text : {"\u200d", "\u2010", "\u2027", "\u202f", "\u2065", "\u206a", "\u061b"})
    EXPECT_EQ(excerpt(text), text);
}

TEST(Excerpt, ShowsBytesThatAreNoText) {
  EXPECT_EQ(excerpt("r\xe9seau"), "r\\xe9seau");
  EXPECT_EQ(excerpt("\xc3"), "\\xc3");
  EXPECT_EQ(excerpt("\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80"), "\\xc0\\xaf \\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80");
}

TEST(Excerpt, ErrorsThatQuoteHaveNoOtherText) {
  const std::string foreign = std::string(1 << 20, 'x') + "\x1b";
  for (const std::string& text : {std::string(ConfigError(foreign).what()), std::string(PluginError(foreign).what()),
                                  std::string(LaunchError(foreign).what())})
    EXPECT_LT(text.size(), 66'000u);
  EXPECT_STREQ(ConfigError("line 1\nline 2\x1b[2J").what(), "line 1\nline 2\\x1b[2J");
}

}  // namespace
}  // namespace cohort
