// Group S: what workers print comes out whole, with their number, and all of it.

#include <gtest/gtest.h>

#include <map>
#include <string_view>

#include "test_programs.hpp"
#include "tool.hpp"

namespace {

// That `text` has lines 0 to `count` of each of the workers 2 to 5, each worker's in order.
void expect_flood(const std::string& text, const std::string& stream, int count) {
  std::map<int, int> next;
  const std::string rest(80, 'x');
  std::size_t start = 0, wrong = 0;
  for (std::size_t end; (end = text.find('\n', start)) != text.npos; start = end + 1) {
    const std::string line = text.substr(start, end - start);
    int worker = 0, said = 0, number = -1;
    char name[4] = "";
    const bool read =
        std::sscanf(line.c_str(), "      From worker %d:\t%3s %d %d ", &worker, name, &said, &number) == 4;
    if (read && name == stream && said == worker && number == next[worker] && line.ends_with(" " + rest)) {
      next[worker]++;
    } else if (wrong++ < 5) {
      ADD_FAILURE() << "line " << next[worker] << " of worker " << worker << " was expected: " << line;
    }
  }
  EXPECT_EQ(start, text.size()) << "a line has no end";
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(next, (std::map<int, int>{{2, count}, {3, count}, {4, count}, {5, count}}));
}

TEST(Output, AFloodOfAHundredMegabytesComesOutLineByLine) {
  constexpr int lines = 125'000;
  const auto result = cohort_tool({"run", "-p", "4", COHORT_TEST_MASTER, "flood", std::to_string(lines)});
  EXPECT_EQ(result.code, 0);
  EXPECT_GT(result.out.size() + result.err.size(), 100'000'000u);
  expect_flood(result.out, "out", lines);
  expect_flood(result.err, "err", lines);
}

TEST(Output, BothStreamsMayGoToOneFile) {
  const TemporaryDirectory directory;
  constexpr int lines = 5000;
  const auto result =
      cohort_tool({"run", "-p", "4", "sh", "-c",
                   COHORT_TEST_MASTER " flood " + std::to_string(lines) + " >> " + directory.path("log") + " 2>&1"});
  EXPECT_EQ(result.code, 0) << result.err;
  std::string out, err;
  for (const auto& line : lines_of(directory.read("log"))) {
    (line.find("\tout ") != line.npos ? out : err) += line + "\n";
  }
  expect_flood(out, "out", lines);
  expect_flood(err, "err", lines);
}

TEST(Output, AReaderThatGoesAwayDoesNotStopTheProgram) {
  const auto result = cohort_tool(
      {"run", "-p", "4", "sh", "-c", "{ " COHORT_TEST_MASTER " flood 20000 2>/dev/null; echo $? >&2; } | head -n 1"});
  EXPECT_EQ(lines_of(result.out).size(), 1u);
  EXPECT_EQ(result.err, "0\n");
}

// All of it fits into the buffers on the way, so the program is at its end long before the reader begins.
TEST(Output, ASlowReaderGetsEverything) {
  const auto result =
      cohort_tool({"run", "-p", "4", "sh", "-c", COHORT_TEST_MASTER " flood 1500 2>/dev/null | { sleep 3; cat; }"});
  expect_flood(result.out, "out", 1500);
}

}  // namespace
