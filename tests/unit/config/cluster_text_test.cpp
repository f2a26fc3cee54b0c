#include "config/cluster_text.hpp"

#include <gtest/gtest.h>

#include <cohort/error.hpp>

#include "config/cluster_tables.hpp"

namespace cohort::detail {
namespace {

using namespace std::chrono_literals;

constexpr Option local_options[] = {
    {"restrict", OptionType::boolean, "true", "Loopback only", nullptr},
    {"count", OptionType::count, "\"auto\"", "Workers", nullptr, 0, 64},
};
constexpr Option bus_options[] = {{"url", OptionType::string, nullptr, "Where the bus is", nullptr}};
constexpr Option tcp_options[] = {{"port", OptionType::integer, "0", "Port", nullptr, 0, 65535}};

std::span<const Option> tables(PluginKind kind, const std::string& plugin) {
  if (kind == PluginKind::manager && plugin == "local") return local_options;
  if (kind == PluginKind::manager && plugin == "bus") return bus_options;
  if (kind == PluginKind::transport && plugin == "tcp") return tcp_options;
  throw PluginError("there is no plugin '" + plugin + "'");
}

ClusterFile parse(std::string_view text) { return parse_cluster_text(text, "cluster.json", tables); }

std::string error_of(std::string_view text) {
  try {
    parse(text);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(ClusterText, TheSmallestFileHasDefaultsForTheRest) {
  ClusterFile file = parse(R"({ "version": 1, "managers": [ { "plugin": "local", "count": "auto" } ] })");
  ASSERT_EQ(file.managers.size(), 1u);
  EXPECT_EQ(file.managers[0].plugin, "local");
  EXPECT_EQ(file.managers[0].id, "local");
  EXPECT_TRUE(file.managers[0].count_auto);
  EXPECT_EQ(file.managers[0].count, std::nullopt);
  EXPECT_EQ(file.managers[0].options_json, "{\"restrict\":true}");
  EXPECT_EQ(file.topology, "all_to_all");
  EXPECT_EQ(file.lazy, std::nullopt);
  EXPECT_EQ(file.transport.plugin, "tcp");
  EXPECT_EQ(file.timeouts.launch, 5min);
}

TEST(ClusterText, NamesOfWorkers) {
  const ClusterFile file = parse(R"({ "version": 1, "topology": "custom", "unconnected": "relay", "managers": [
    { "plugin": "local", "count": 2, "ident": "node[1-2]", "connect_idents": ["gpu?", "node2"] },
    { "plugin": "local", "ident": "gpu0" } ] })");
  EXPECT_EQ(file.managers[0].ident, "node[1-2]");
  EXPECT_EQ(file.managers[0].connect_idents, (std::vector<std::string>{"gpu?", "node2"}));
  EXPECT_EQ(file.unconnected, Unconnected::relay);
  EXPECT_EQ(parse(file.to_json()).to_json(), file.to_json());
}

TEST(ClusterText, NamesThatAreWrong) {
  const auto error_with = [](const std::string& keys) {
    return error_of(R"({"version": 1, "topology": "custom", "managers": [{"plugin": "local", )" + keys + "}]}");
  };
  EXPECT_EQ(error_with(R"("ident": "a[")"),
            "cluster.json:1:80: managers[0].ident: 'a[' is no name of workers: a ']' is missing, as in node[01-16] or "
            "node*");
  EXPECT_NE(error_with(R"("ident": "a*")"), "");
  EXPECT_NE(error_with(R"("connect_idents": ["a", 1])"), "");
  EXPECT_NE(error_with(R"("ident": "a[1-2]", "count": 3)").find("there are 2 idents for 3 workers"), std::string::npos);
  EXPECT_NE(error_with(R"("ident": "a[1-3]", "count": 2, "connect_idents": ["a3"])").find("'a3' matches no worker"),
            std::string::npos);
  EXPECT_EQ(error_with(R"("connect_idents": ["b"])"), "") << "the plugin may name its workers";
}

TEST(ClusterText, TakesEveryKey) {
  ClusterFile file = parse(R"({
    "$schema": "x", "version": 1, "name": "demo", "x-anything": [{}],
    "managers": [ { "plugin": "local", "id": "here", "count": 4, "options": { "restrict": false } },
                  { "plugin": "local" } ],
    "topology": "master_worker", "lazy": false, "modules": ["a.so", "/b.so"],
    "transport": { "plugin": "tcp", "options": { "port": 9000 } },
    "timeouts": { "launch": "1m", "dead": "never" },
    "logging": { "level": "debug", "forward": "stderr", "prefix": "none" } })");
  EXPECT_EQ(file.name, "demo");
  ASSERT_EQ(file.managers.size(), 2u);
  EXPECT_EQ(file.managers[0].id, "here");
  EXPECT_EQ(file.managers[0].count, 4);
  EXPECT_FALSE(file.managers[0].count_auto);
  EXPECT_EQ(file.managers[0].options_json, "{\"restrict\":false}");
  EXPECT_EQ(file.managers[1].count, std::nullopt);
  EXPECT_FALSE(file.managers[1].count_auto);
  EXPECT_EQ(file.topology, "master_worker");
  EXPECT_EQ(file.lazy, false);
  EXPECT_EQ(file.modules, (std::vector<std::string>{"a.so", "/b.so"}));
  EXPECT_EQ(file.transport.options_json, "{\"port\":9000}");
  EXPECT_EQ(file.timeouts.launch, 1min);
  EXPECT_EQ(file.timeouts.dead, never);
  EXPECT_EQ(file.timeouts.connect, 30s);
  EXPECT_EQ(file.logging.level, LogLevel::debug);
  EXPECT_EQ(file.logging.forward, ForwardMode::only_stderr);
  EXPECT_EQ(file.logging.prefix, ForwardPrefix::none);
}

TEST(ClusterText, ACountIsItsPluginsOption) {
  auto with = [](const std::string& manager) { return R"({ "version": 1, "managers": [ )" + manager + " ] }"; };
  ClusterFile file = parse(with(R"({ "plugin": "local", "options": { "count": 3 } })"));
  EXPECT_EQ(file.managers[0].count, std::nullopt);
  EXPECT_EQ(file.managers[0].options_json, "{\"restrict\":true,\"count\":3}");
  EXPECT_EQ(error_of(with(R"({ "plugin": "local", "count": 65 })")),
            "cluster.json:1:61: managers[0].count: expected a whole number from 0 to 64 or \"auto\", found 65");
  EXPECT_EQ(
      error_of(with(R"({ "plugin": "local", "count": 99999999999999999999 })")),
      "cluster.json:1:61: managers[0].count: expected a whole number from 0 to 2147483647 or \"auto\", found 1e+20")
      << "one message for one fault";
  EXPECT_EQ(error_of(with(R"({ "plugin": "local", "count": 1, "options": { "count": 2 } })")),
            "cluster.json:1:86: managers[0].options.count: is given twice; the first one is at 1:61");
  EXPECT_EQ(error_of(with(R"({ "plugin": "bus", "count": 1 })")),
            "cluster.json:1:59: managers[0].count: the plugin 'bus' takes no count");
}

TEST(ClusterText, TheTablesHaveTheDefaultsOfTheStructures) {
  ClusterFile file = parse(R"({ "version": 1, "managers": [], "timeouts": {}, "logging": {} })");
  ClusterFile defaults;
  EXPECT_EQ(file.transport.plugin, defaults.transport.plugin);
  EXPECT_EQ(file.transport.options_json, "{\"port\":0}") << "filled in by the plugin's table";
  defaults.transport = file.transport;
  EXPECT_EQ(file.to_json(), defaults.to_json());
}

TEST(ClusterText, TheEffectiveConfigurationIsAClusterFile) {
  ClusterFile file = parse(R"({ "version": 1, "managers": [ { "plugin": "local", "count": 2 } ], "lazy": true,
                                "transport": "tcp", "timeouts": { "term": "1m30s" } })");
  std::string effective = file.to_json();
  EXPECT_EQ(parse(effective).to_json(), effective);
  EXPECT_EQ(parse(effective).timeouts.term, 90s);
  EXPECT_EQ(parse(effective).managers[0].count, 2);
}

TEST(ClusterText, SaysEverythingThatIsWrongWithItsPlace) {
  EXPECT_EQ(error_of("{\n"
                     "  \"version\": 2,\n"
                     "  \"mangers\": [],\n"
                     "  \"managers\": [\n"
                     "    { \"plugin\": \"local\", \"options\": { \"restrict\": \"yes\" } },\n"
                     "    { \"plugin\": \"loacl\", \"count\": -1 },\n"
                     "    { \"cout\": 1 }, 7 ],\n"
                     "  \"transport\": 1,\n"
                     "  \"timeouts\": { \"lunch\": \"5m\", \"term\": 5 },\n"
                     "  \"logging\": []\n"
                     "}"),
            "cluster.json:2:14: version: expected 1, found 2\n"
            "cluster.json:3:3: unknown key 'mangers'; did you mean 'managers'?\n"
            "cluster.json:5:51: managers[0].options.restrict: expected true or false, found \"yes\"\n"
            "cluster.json:6:17: managers[1].plugin: there is no plugin 'loacl'\n"
            "cluster.json:6:35: managers[1].count: expected a whole number from 0 to 2147483647 or \"auto\", found -1\n"
            "cluster.json:7:5: managers[2]: the key 'plugin' is missing\n"
            "cluster.json:7:7: managers[2]: unknown key 'cout'; did you mean 'count'?\n"
            "cluster.json:7:20: managers[3]: expected an object, found 7\n"
            "cluster.json:8:16: transport: expected a transport's name or an object with its options, found 1\n"
            "cluster.json:9:17: timeouts: unknown key 'lunch'; did you mean 'launch'?\n"
            "cluster.json:9:40: timeouts.term: a duration needs a unit, for example \"5s\", found 5\n"
            "cluster.json:10:14: logging: expected an object, found a list");
  EXPECT_EQ(error_of("{}"),
            "cluster.json:1:1: the key 'version' is missing\n"
            "cluster.json:1:1: the key 'managers' is missing");
  EXPECT_EQ(error_of("[]"), "cluster.json:1:1: expected an object, found a list");
}

TEST(ClusterText, NoPlacesInATextThatNobodyHasSeen) {
  try {
    parse_cluster_text(
        R"({"version": 1, "managers": [{"plugin": "local", "count": 1, "options": {"count": 2}}], "x": 1})",
        "command line", tables, ErrorList::Places::left_out);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "command line: managers[0].options.count: is given twice\ncommand line: unknown key 'x'");
  }
}

TEST(ClusterText, AFileThatCannotBeReadSaysWhy) {
  auto read_error = [](const char* path) -> std::string {
    try {
      read_config_file(path);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(read_error("/nonexistent/cluster.json"),
            "/nonexistent/cluster.json: cannot be read: No such file or directory");
  EXPECT_EQ(read_error("/"), "/: cannot be read: Is a directory");
  EXPECT_LE(read_config_file("/dev/zero").size(), max_json_bytes + (1 << 16)) << "reads no more than it may";
}

}  // namespace
}  // namespace cohort::detail
