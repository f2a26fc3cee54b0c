#include "io/startup_output.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "io/announcement.hpp"
#include "io/line_splitter.hpp"

namespace cohort {
namespace {

TEST(Announcement, TakesNumericAddressesNamesAndPaths) {
  const auto v4 = parse_announcement("cohort_worker:9123#127.0.0.1");
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->host, "127.0.0.1");
  EXPECT_EQ(v4->port, 9123);
  EXPECT_EQ(parse_announcement("cohort_worker:1#[fe80::1%eth0]")->host, "[fe80::1%eth0]");
  EXPECT_EQ(parse_announcement("cohort_worker:65535#a#b")->host, "a#b");
}

TEST(Announcement, IsAnchoredAndExact) {
  for (const char* line :
       {"", "cohort_worker:", "cohort_worker:9123", "cohort_worker:9123#", "cohort_worker:#a", " cohort_worker:9123#a",
        "x cohort_worker:9123#a", "cohort_worker:9123 #a", "cohort_worker:-1#a", "cohort_worker:+1#a",
        "cohort_worker:65536#a", "cohort_worker:99999999999999999999#a", "cohort_worker:9123#a b",
        "cohort_worker:9123#a\r", "cohort_worker:9123#\x1b[0m", "julia_worker:9#a"})
    EXPECT_FALSE(parse_announcement(line)) << line;
}

std::vector<std::string> lines_of(std::vector<std::string> chunks) {
  LineSplitter splitter;
  std::vector<std::string> lines;
  const auto take = [&](std::string_view line) { lines.emplace_back(line); };
  for (const auto& chunk : chunks) splitter.add(chunk, take);
  splitter.finish(take);
  return lines;
}

TEST(LineSplitter, PutsLinesTogetherHoweverTheyCome) {
  EXPECT_EQ(lines_of({"a\nb", "c\n\n", "d", "e"}), (std::vector<std::string>{"a", "bc", "", "de"}));
  EXPECT_EQ(lines_of({""}), std::vector<std::string>{});
  EXPECT_EQ(lines_of({"a\n"}), std::vector<std::string>{"a"});
}

TEST(LineSplitter, CutsLongLinesAndOnlyThose) {
  const std::string full(LineSplitter::limit, 'x');
  EXPECT_EQ(lines_of({full + "\nnext\n"}), (std::vector<std::string>{full, "next"}));
  EXPECT_EQ(lines_of({full, "\nnext\n"}), (std::vector<std::string>{full, "next"}));
  EXPECT_EQ(lines_of({full + full + "tail\n"}), (std::vector<std::string>{full, full, "tail"}));
  std::vector<std::string> bytes(LineSplitter::limit + 1, "y");
  EXPECT_EQ(lines_of(bytes), (std::vector<std::string>{std::string(LineSplitter::limit, 'y'), "y"}));
}

TEST(StartupOutput, ShowsTheLastTenLines) {
  StartupOutput output;
  EXPECT_EQ(output.failure("It failed."), "It failed.");
  for (int i = 1; i <= 12; ++i) output.add(i % 2 == 0, "line " + std::to_string(i));
  EXPECT_EQ(
      output.failure("It failed."),
      "It failed.\nThe last lines it printed:\n  line 3\n  line 4\n  line 5\n  line 6\n  line 7\n  line 8\n  line 9\n"
      "  line 10\n  line 11\n  line 12");
}

TEST(StartupOutput, HasRoomForAThousandLines) {
  StartupOutput output;
  for (int i = 0; i < 1000; ++i) {
    output.add(false, "banner");
    output.add(true, "warning");
  }
  EXPECT_FALSE(output.unexpected());
  EXPECT_FALSE(output.stderr_overflows());
  output.add(true, "warning");
  EXPECT_TRUE(output.stderr_overflows());
  EXPECT_FALSE(output.unexpected());
  output.add(false, "banner");
  EXPECT_TRUE(output.unexpected());
}

TEST(StartupOutput, AFailureShowsTheBeginningOfALongLine) {
  StartupOutput output;
  output.add(false, std::string(60'000, 'x') + "\x1b[2J");
  EXPECT_EQ(output.failure("It failed."),
            "It failed.\nThe last lines it printed:\n  " + std::string(1000, 'x') + "... (60004 bytes)");
  output.add(false, "a\x1b[2Jb");
  EXPECT_TRUE(output.failure("").ends_with("\n  a\\x1b[2Jb"));
}

TEST(StartupOutput, HasNoRoomForAMegabyte) {
  StartupOutput output;
  for (int i = 0; i < 17; ++i) output.add(false, std::string(64 * 1024, 'x'));
  EXPECT_TRUE(output.unexpected());
}

}  // namespace
}  // namespace cohort
