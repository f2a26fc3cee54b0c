#include "config/units.hpp"

#include <gtest/gtest.h>

#include <regex>

#include <cohort/error.hpp>

namespace cohort::detail {
namespace {

using namespace std::chrono_literals;

template <class Parse>
std::string error_of(Parse parse, std::string_view text) {
  try {
    parse(text);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Units, ReadsDurations) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(parse_duration("2d"), 48h);
  EXPECT_EQ(parse_duration("7us8ns"), 7008ns);
  EXPECT_EQ(parse_duration("0s"), 0s);
  EXPECT_EQ(parse_duration("never"), never);
}

TEST(Units, TheLongestDurationDoesNotOverflow) {
  EXPECT_GT(parse_duration("9999d99999h9999999m999999999s999999999999ms999999999999999us999999999999999999ns"), 0ns);
}

TEST(Units, WhatIsTooLongIsToldWithTheLimit) {
  EXPECT_EQ(error_of(parse_duration, "106751d"), "the duration may have at most 4 digits before 'd' (9999d)");
  EXPECT_EQ(error_of(parse_duration, "1234567890s"), "the duration may have at most 9 digits before 's' (999999999s)");
  EXPECT_EQ(error_of(parse_duration, "1.0000000001s"), "the duration may have at most 9 decimals");
  EXPECT_EQ(error_of(parse_size, "1000000TB"), "the size may have at most 6 digits before 'TB' (999999TB)");
}

TEST(Units, ReadsANumberOfWorkers) {
  EXPECT_EQ(parse_worker_count("-p", "0"), 0);
  EXPECT_EQ(parse_worker_count("-p", "120"), 120);
  EXPECT_EQ(parse_worker_count("-p", "auto"), std::nullopt);
  for (const char* text : {"", "x", "-1", "+1", " 1", "1 ", "1e3", "1000000", "99999999999999999999"})
    EXPECT_EQ(error_of([](auto t) { parse_worker_count("-p", t); }, text),
              std::string("-p wants a number of workers or 'auto', not '") + text + "'");
}

TEST(Units, SaysWhatIsWrongWithADuration) {
  EXPECT_EQ(error_of(parse_duration, "30"), "a duration needs a unit, for example \"30s\"");
  for (const char* text : {"", "s", "-1s", "30 s", "1.s", "5parsecs", "30m1h", "1s1s", "never1s", "100000h", "1e3s"})
    EXPECT_NE(error_of(parse_duration, text), "") << text;
}

TEST(Units, WritesDurationsThatItReadsAgain) {
  EXPECT_EQ(format_duration(90min), "1h30m");
  EXPECT_EQ(format_duration(1500ms), "1s500ms");
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_duration(never), "never");
  for (Duration duration :
       {Duration(1ns), Duration(26h + 1us), Duration(59s), Duration(24h * 9999), Duration(24h * 20000 + 1ns)})
    EXPECT_EQ(parse_duration(format_duration(duration)), duration);
}

TEST(Units, WhatIsMoreThanNothingStaysSo) {
  EXPECT_EQ(parse_duration("0.4ns"), 1ns);
  EXPECT_EQ(parse_duration("0.000000001us"), 1ns);
  EXPECT_EQ(parse_duration("0.0s"), 0s);
  const std::regex positive(duration_pattern(false));
  for (const char* text : {"1ns", "0.4ns", "0h1s", "0.001s", "10s", "never"})
    EXPECT_TRUE(std::regex_search(text, positive)) << text;
  for (const char* text : {"0s", "0.0s", "0h0m", "", "x"}) EXPECT_FALSE(std::regex_search(text, positive)) << text;
}

TEST(Units, ReadsSizes) {
  EXPECT_EQ(parse_size("64MiB"), 64u << 20);
  EXPECT_EQ(parse_size("1GB"), 1'000'000'000u);
  EXPECT_EQ(parse_size("10kB"), 10'000u);
  EXPECT_EQ(parse_size("1.5KiB"), 1536u);
  EXPECT_EQ(parse_size("0B"), 0u);
}

TEST(Units, SaysWhatIsWrongWithASize) {
  EXPECT_EQ(error_of(parse_size, "64"), "a size needs a unit, for example \"64MiB\"");
  for (const char* text : {"", "MiB", "-1B", "64 MiB", "64mb", "1KB", "1GB1MB", "9999999TB"})
    EXPECT_NE(error_of(parse_size, text), "") << text;
}

TEST(Units, PatternsAcceptWhatTheParsersAccept) {
  std::regex duration(duration_pattern()), size(size_pattern());
  for (std::string text : {"250ms", "1h30m", "1.5s", "never",  "0s",       "9999d",     "10000d",
                           "30",    "",      "s",    "-1s",    "30m1h",    "1s1s",      "64MiB",
                           "1.5kB", "64",    "1KB",  "1GB1MB", "999999TB", "1000000TB", "1.0000000001s"}) {
    EXPECT_EQ(std::regex_search(text, duration), error_of(parse_duration, text).empty()) << text;
    EXPECT_EQ(std::regex_search(text, size), error_of(parse_size, text).empty()) << text;
  }
}

}  // namespace
}  // namespace cohort::detail
