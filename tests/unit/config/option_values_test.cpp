#include <cohort/option_values.hpp>

#include <cstddef>
#include <limits>
#include <type_traits>

#include <gtest/gtest.h>

#include <cohort/cluster.hpp>
#include <cohort/error.hpp>
#include <cohort/options.hpp>

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

TEST(OptionValues, AreWrittenAsInAClusterFile) {
  EXPECT_EQ(OptionValues().json(), "{}");
  EXPECT_EQ(OptionValues({}).json(), "{}");
  const std::string user = "ada \"the first\"";
  const OptionValues values = {{"count", 4},
                               {"factor", 0.5},
                               {"tunnel", true},
                               {"user", user},
                               {"stage", "if_missing"},
                               {"connect_timeout", 90s},
                               {"machines", {"node1", "4*node2"}},
                               {"one", {"alone"}},
                               {"flags", std::vector<std::string>{user, user}},
                               {"env", OptionValues{{"A", "b"}}}};
  EXPECT_EQ(values.json(),
            R"({"count": 4, "factor": 0.5, "tunnel": true, "user": "ada \"the first\"", "stage": "if_missing", )"
            R"("connect_timeout": "1m30s", "machines": ["node1","4*node2"], "one": ["alone"], )"
            R"("flags": ["ada \"the first\"","ada \"the first\""], "env": {"A": "b"}})");
}

TEST(OptionValues, MayBeATextAndAreCheckedAsOne) {
  EXPECT_EQ(OptionValues(R"({"a": 1})").json(), R"({"a": 1})");
  EXPECT_EQ(OptionValues(std::string("{}")).json(), "{}");
  const OptionValues with_more_braces = {{{"a", "b"}, {"c", "d"}}};
  EXPECT_EQ(with_more_braces.json(), R"({"a": "b", "c": "d"})");
  constexpr Option table[] = {{"count", OptionType::integer, "1", "how many", nullptr, 1}};
  const auto parse = [&](const OptionValues& values) { return Options::parse(table, values.json(), "options"); };
  EXPECT_EQ(parse({{"count", 3}}).integer("count"), 3);
  EXPECT_THROW(parse({{"cuont", 3}}), ConfigError);
  EXPECT_THROW(parse({{"count", "3"}}), ConfigError);
  EXPECT_THROW(OptionValue("/tmp/\xff"), ConfigError);
  EXPECT_THROW(OptionValue(-1s), ConfigError);
  EXPECT_THROW(OptionValue(std::numeric_limits<double>::infinity()), ConfigError);
  EXPECT_THROW(OptionValue(OptionValues("{}, \"b\": {}")), ConfigError);
}

// Each would be something that nobody meant.
static_assert(!std::is_constructible_v<OptionValue, char>);
static_assert(!std::is_constructible_v<OptionValue, std::nullptr_t>);
template <class T>
concept AddsWorkers = requires(T value) {
  addprocs({{"count", value}});
};
static_assert(!AddsWorkers<int>, "the manager's name is missing");

}  // namespace
}  // namespace cohort::test
