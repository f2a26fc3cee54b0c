#include <cohort/options.hpp>

#include <gtest/gtest.h>

#include <cohort/error.hpp>

#include "config/option_schema.hpp"

namespace cohort {
namespace {

using namespace std::chrono_literals;

constexpr Option table[] = {
    {"restrict", OptionType::boolean, "true", "Loopback only", nullptr},
    {"retries", OptionType::integer, "2", "Further attempts", nullptr, 0, 10},
    {"share", OptionType::number, "0.5", "Part of the machine", nullptr},
    {"dir", OptionType::string, nullptr, "Working directory", nullptr},
    {"affinity", OptionType::choice, "\"none\"", "Binding to CPUs", "none|core|compact"},
    {"patience", OptionType::duration, "\"1m30s\"", "How long to wait", nullptr},
    {"memory", OptionType::size, "\"64MiB\"", "Memory of a worker", nullptr},
    {"count", OptionType::count, "\"auto\"", "Workers", nullptr, 0},
    {"hosts", OptionType::strings, "[]", "Where to launch", nullptr},
    {"env", OptionType::env, "{}", "Variables", nullptr},
};

std::string error_of(std::string_view json) {
  try {
    Options::parse(table, json, "options");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Options, HaveTheDefaultsOfTheirTable) {
  Options options = Options::defaults(table);
  EXPECT_TRUE(options.boolean("restrict"));
  EXPECT_EQ(options.integer("retries"), 2);
  EXPECT_EQ(options.number("share"), 0.5);
  EXPECT_FALSE(options.has("dir"));
  EXPECT_EQ(options.string("affinity"), "none");
  EXPECT_EQ(options.duration("patience"), 90s);
  EXPECT_EQ(options.size("memory"), 64u << 20);
  EXPECT_EQ(options.count("count"), std::nullopt);
  EXPECT_TRUE(options.strings("hosts").empty());
  EXPECT_TRUE(options.env("env").empty());
}

TEST(Options, TakeEveryTypeFromJson) {
  Options options = Options::parse(table, R"({"restrict": false, "retries": 3.0, "share": 1, "dir": "/x",
      "affinity": "core", "patience": "never", "memory": "1kB", "count": 7, "hosts": ["a", "b"],
      "env": {"A": "1", "B": null}, "x-note": []} // done)",
                                   "options");
  EXPECT_FALSE(options.boolean("restrict"));
  EXPECT_EQ(options.integer("retries"), 3);
  EXPECT_EQ(options.number("share"), 1.0);
  EXPECT_EQ(options.string("dir"), "/x");
  EXPECT_EQ(options.string("affinity"), "core");
  EXPECT_EQ(options.duration("patience"), never);
  EXPECT_EQ(options.size("memory"), 1000u);
  EXPECT_EQ(options.count("count"), 7);
  EXPECT_EQ(options.strings("hosts"), (std::vector<std::string>{"a", "b"}));
  auto env = options.env("env");
  EXPECT_EQ(env.size(), 2u);
  EXPECT_EQ(env.at("A"), "1");
  EXPECT_EQ(env.at("B"), std::nullopt);
}

TEST(Options, SurviveAWayThroughJson) {
  Options options = Options::parse(table, R"({"dir": "/x", "env": {"A": null}, "patience": "1h"})", "options");
  Options again = Options::parse(table, options.to_json(), "again");
  EXPECT_EQ(again.to_json(), options.to_json());
  EXPECT_EQ(again.duration("patience"), 1h);
  EXPECT_EQ(again.string("dir"), "/x");
}

TEST(Options, SayWhereAndWhatIsWrong) {
  EXPECT_EQ(error_of("{\"restrict\": \"yes\"}"), "options:1:14: restrict: expected true or false, found \"yes\"");
  EXPECT_EQ(error_of("{\"cuont\": 1}"), "options:1:2: unknown key 'cuont'; did you mean 'count'?");
  EXPECT_EQ(error_of("{\"zebra_crossing\": 1}"), "options:1:2: unknown key 'zebra_crossing'");
  EXPECT_EQ(error_of("{\"retries\": 11}"), "options:1:13: retries: expected a whole number from 0 to 10, found 11");
  EXPECT_EQ(error_of("{\"count\": \"atuo\"}"),
            "options:1:11: count: expected a whole number of at least 0 or \"auto\", found \"atuo\"");
  EXPECT_EQ(error_of("{\"affinity\": \"cores\"}"),
            "options:1:14: affinity: expected one of \"none\", \"core\", "
            "\"compact\", found \"cores\"; did you mean 'core'?");
  EXPECT_EQ(error_of("{\"patience\": 30}"),
            "options:1:14: patience: a duration needs a unit, for example \"30s\", found 30");
  EXPECT_EQ(error_of("{\"memory\": \"64\"}"),
            "options:1:12: memory: a size needs a unit, for example \"64MiB\", found \"64\"");
  EXPECT_EQ(error_of("{\"hosts\": [\"a\", 1]}"), "options:1:17: hosts[1]: expected text, found 1");
  EXPECT_EQ(error_of("{\"env\": {\"A\": 1}}"), "options:1:15: env.A: expected text or null, found 1");
  EXPECT_EQ(error_of("{\"dir\": null}"), "options:1:9: dir: expected text, found null");
  EXPECT_EQ(error_of("[]"), "options:1:1: expected an object, found a list");
}

TEST(Options, ReportEverythingThatIsWrongAtOnce) {
  EXPECT_EQ(error_of("{\"count\": -1,\n \"memori\": 1,\n \"share\": {}}"),
            "options:1:11: count: expected a whole number of at least 0 or \"auto\", found -1\n"
            "options:2:2: unknown key 'memori'; did you mean 'memory'?\n"
            "options:3:11: share: expected a number, found an object");
}

TEST(Options, RefuseNumbersThatAreNoIntegersOf64Bits) {
  constexpr Option any_integer[] = {{"n", OptionType::integer, nullptr, "A number", nullptr}};
  auto parse = [&](const char* json) { return Options::parse(any_integer, json, "o").integer("n"); };
  EXPECT_EQ(parse("{\"n\": -9223372036854775808}"), INT64_MIN);
  EXPECT_EQ(parse("{\"n\": 9223372036854775807}"), INT64_MAX);
  for (const char* json : {"{\"n\": 9223372036854775808}", "{\"n\": 1e19}", "{\"n\": 0.5}", "{\"n\": true}"})
    EXPECT_THROW(parse(json), ConfigError) << json;
}

TEST(Options, AWrongQuestionIsABugOfTheCaller) {
  Options options = Options::defaults(table);
  EXPECT_THROW(options.boolean("retries"), Error);
  EXPECT_THROW(options.integer("nothing"), Error);
  EXPECT_THROW(options.string("dir"), Error) << "no value: has() says so";
  EXPECT_FALSE(options.has("nothing"));
}

TEST(Options, AWrongDefaultIsFoundAndNamed) {
  constexpr Option wrong[] = {{"patience", OptionType::duration, "30", "How long to wait", nullptr}};
  try {
    Options::defaults(wrong);
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("default of the option 'patience'"), std::string::npos) << error.what();
  }
}

TEST(OptionHelp, HasALineForEachOption) {
  constexpr Option two[] = {
      {"dir", OptionType::string, nullptr, "Working directory", nullptr},
      {"affinity", OptionType::choice, "\"none\"", "Binding to CPUs", "none|core"},
  };
  EXPECT_EQ(detail::option_help(two),
            "NAME      TYPE       DEFAULT  MEANING\n"
            "dir       text       -        Working directory\n"
            "affinity  none|core  \"none\"   Binding to CPUs\n");
}

TEST(OptionSchema, DescribesEachOption) {
  auto schema = detail::Json::parse(detail::option_schema(table));
  EXPECT_EQ(schema["type"], "object");
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_EQ(schema["properties"].size(), std::size(table));
  EXPECT_EQ(schema["properties"]["retries"]["maximum"], 10);
  EXPECT_EQ(schema["properties"]["affinity"]["enum"].size(), 3u);
  EXPECT_EQ(schema["properties"]["patience"]["default"], "1m30s");
  EXPECT_EQ(schema["properties"]["dir"]["description"], "Working directory");
}

}  // namespace
}  // namespace cohort
