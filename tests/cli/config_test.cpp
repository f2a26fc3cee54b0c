// cohort config, and what is said of a wrong cluster: in a file with the place, of flags with the key.

#include <sys/stat.h>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "test_programs.hpp"
#include "tool.hpp"

namespace {

using Json = nlohmann::json;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Config, CheckSaysOkOrEveryError) {
  const TemporaryDirectory directory;
  const auto good = directory.write("good.json", R"({"version": 1, "managers": [{"plugin": "local", "count": 2}]})");
  EXPECT_EQ(cohort_tool({"config", "check", good}).out, good + ": ok\n");

  const auto bad =
      directory.write("bad.json", "{\"version\": 1,\n \"mangers\": [],\n \"managers\": [],\n \"lazy\": 3}");
  const auto result = cohort_tool({"config", "check", bad});
  EXPECT_EQ(result.code, 3);
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(contains(result.err, bad + ":2:2: unknown key 'mangers'; did you mean 'managers'?")) << result.err;
  EXPECT_TRUE(contains(result.err, bad + ":4:")) << result.err;
  EXPECT_EQ(cohort_tool({"config", "check", directory.path("missing.json")}).code, 3);
}

TEST(Config, ShowPrintsTheDefaultsAndSchemaIsASchema) {
  const TemporaryDirectory directory;
  const auto file = directory.write("c.json", R"({"version": 1, "managers": [{"plugin": "local", "count": 2}]})");
  const auto shown = Json::parse(cohort_tool({"config", "show", file}).out);
  EXPECT_EQ(shown.at("managers").at(0).at("count"), 2);
  EXPECT_EQ(shown.at("transport").at("plugin"), "tcp");
  EXPECT_EQ(shown.at("topology"), "all_to_all");
  EXPECT_EQ(cohort_tool({"config", "show", file, "--json"}).out, cohort_tool({"config", "show", file}).out);
  EXPECT_TRUE(Json::parse(cohort_tool({"config", "schema"}).out).contains("$schema"));
}

#if COHORT_WITH_SSH && COHORT_WITH_TLS
TEST(Config, CheckFindsWhatThePluginsRefuse) {
  const TemporaryDirectory directory;
  const auto file = directory.write("lab.json", R"({"version": 1, "managers": [
  {"plugin": "local", "count": 1},
  {"id": "rack", "plugin": "ssh", "options": {"machines": ["h[1-"]}}],
  "transport": {"plugin": "tls", "options": {"key": "mine.pem"}}})");
  const auto checked = cohort_tool({"config", "check", file});
  EXPECT_EQ(checked.code, 3) << checked.out;
  EXPECT_TRUE(contains(checked.err, file + ":3:3: managers[1]: manager plugin 'ssh': invalid machine 'h[1-'"))
      << checked.err;
  EXPECT_TRUE(contains(checked.err, file + ":4:16: transport: transport plugin 'tls': ")) << checked.err;

  const auto run = cohort_tool({"run", "-f", file, "echo", "started"});
  EXPECT_EQ(run.code, 3);
  EXPECT_EQ(run.out, "");
  EXPECT_TRUE(contains(run.err, "cohort: " + file + ": managers[1]: manager plugin 'ssh': invalid machine 'h[1-'"))
      << run.err;
  const auto changed = cohort_tool({"run", "-f", file, "--transport", "tcp", "true"});
  EXPECT_TRUE(contains(changed.err, "cohort: " + file + " with the command line's changes: managers[1]: ")) << run.err;
}
#endif

TEST(Config, CheckFindsMoreWorkersThanTheTopologyHasPlaces) {
  const TemporaryDirectory directory;
  const auto check = [&](const std::string& manager) {
    const auto file = directory.write(
        "lab.json", R"({"version": 1, "topology": "grid:2x2", "managers": [{"plugin": "local", )" + manager + "}]}");
    return cohort_tool({"config", "check", file});
  };
  for (const std::string five : {R"("count": 5)", R"("options": {"count": 5})"}) {
    const auto result = check(five);
    EXPECT_EQ(result.code, 3);
    EXPECT_TRUE(contains(result.err, "lab.json:1:28: topology: grid:2x2 has room for 4 workers, not for 5"))
        << result.err;
  }
  for (const std::string fits : {R"("count": 4)", R"("count": 5, "min": "4")", R"("count": "auto")"})
    EXPECT_EQ(check(fits).code, 0) << fits;
  EXPECT_EQ(cohort_tool({"run", "-p", "5", "--topology", "grid:2x2", "true"}).code, 3);
}

TEST(Config, FlagsThatAreWrongAreToldByTheirKey) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--topology", "rnig"}, "topology: unknown topology 'rnig'; did you mean 'ring'?"},
      {{"-o", "cuont=2"}, "managers[0].options: unknown key 'cuont'; did you mean 'count'?"},
      {{"-p", "0", "--set", "timeouts.term=5"}, "timeouts.term: a duration needs a unit"},
      {{"--set", "transport.options.intreface=X"},
       "transport.options: unknown key 'intreface'; did you mean 'interface'?"},
      {{"--options", R"({"restrict": 3})"}, "managers[0].options.restrict: expected true or false, found 3"},
  };
  for (auto [flags, message] : cases) {
    flags.insert(flags.begin(), "run");
    flags.emplace_back("true");
    const auto result = cohort_tool(flags);
    EXPECT_EQ(result.code, 3);
    EXPECT_TRUE(result.err.starts_with("cohort: command line: " + message)) << result.err;
  }
}

/// What flags make of the usual cluster.
Json dry_run(std::vector<std::string> flags) {
  flags.insert(flags.begin(), {"run", "--dry-run"});
  flags.emplace_back("true");
  const auto result = cohort_tool(flags);
  EXPECT_EQ(result.code, 0) << result.err;
  return Json::parse(result.out.substr(0, result.out.rfind("true")), nullptr, false);
}

TEST(Config, SetChangesWhatIsInEffect) {
  const auto option = dry_run({"--set", "transport.options.same_host=tcp"});
  EXPECT_EQ(option.at("transport").at("plugin"), "tcp");
  EXPECT_EQ(option.at("transport").at("options").at("same_host"), "tcp");

  const auto plugin = dry_run({"--set", "transport.plugin=unix", "--set", "managers.0.plugin=unixsocket"});
  EXPECT_TRUE(plugin.at("transport").at("options").contains("abstract")) << "the options of the other plugin go";
  EXPECT_EQ(plugin.at("managers").at(0).at("id"), "unixsocket");

  EXPECT_EQ(dry_run({"--set", "modules.0=/a.so"}).at("modules"), Json::array({"/a.so"}));
  EXPECT_EQ(dry_run({"--set", "managers.0.options.env.A=b"}).at("managers").at(0).at("options").at("env").at("A"), "b");
  for (const std::string nowhere : {"managers.7.count=3", "modules.99999999999=x", "name.first=x", "a~b=3"})
    EXPECT_NE(cohort_tool({"run", "--set", nowhere, "true"}).err.find("--set " + nowhere + ": there is no such place"),
              std::string::npos)
        << nowhere;
}

#if COHORT_WITH_SSH
TEST(Config, AListIsPlainWordsOrJson) {
  const auto machines = [](const std::string& text) {
    return dry_run({"-m", "ssh", "-o", "machines=" + text}).at("managers").at(0).at("options").at("machines");
  };
  EXPECT_EQ(machines("node[01-03,7],gate"), (Json{"node[01-03,7]", "gate"}));
  EXPECT_EQ(machines("ada@node1:2222"), (Json{"ada@node1:2222"}));
  EXPECT_EQ(machines("[fd00::1]:22,[fd00::2]"), (Json{"[fd00::1]:22", "[fd00::2]"}));
  EXPECT_EQ(machines(R"(["node1", "node2"])"), (Json{"node1", "node2"}));
  const auto half = cohort_tool({"run", "-m", "ssh", "-o", "machines=[\"a", "true"});
  EXPECT_EQ(half.code, 2);
  EXPECT_TRUE(half.err.starts_with("cohort: ")) << half.err;
  EXPECT_TRUE(contains(half.err, "-o machines=first,second")) << half.err;
}
#endif

TEST(Config, TheLastWordOnTheCountCounts) {
  const TemporaryDirectory directory;
  const auto file = directory.write("c.json", R"({"version": 1, "managers": [{"plugin": "elastic"}]})");
  EXPECT_EQ(dry_run({"-f", file, "-p", "3"}).at("managers").at(0).at("count"), 3);
  EXPECT_EQ(dry_run({"-m", "elastic", "-p", "3"}).at("managers").at(0).at("count"), 3);
  const auto option = dry_run({"-p", "2", "-o", "count=3"}).at("managers").at(0);
  EXPECT_FALSE(option.contains("count"));
  EXPECT_EQ(option.at("options").at("count"), 3);
}

TEST(Config, OfFlagsAboutOneThingTheDocumentedOneCounts) {
  // In docs/cli.md: --set before -o, --options and -p, wherever they stand.
  const std::vector<std::string> flags = {
      "--set", "managers.0.options.count=5", "-o", "count=4", "--options", R"({"count": 3})", "-p", "2"};
  for (std::size_t first = 0; first < flags.size(); first += 2) {
    const auto manager =
        dry_run({flags.begin() + static_cast<std::ptrdiff_t>(first), flags.end()}).at("managers").at(0);
    const auto count = manager.contains("count") ? manager.at("count") : manager.at("options").at("count");
    EXPECT_EQ(count, 5 - first / 2) << manager;
  }
}

TEST(Config, CheckReadsAPipeOnce) {
  const auto checked = run_script(R"(echo '{"version": 1, "managers": []}' | "$cohort" config check /dev/stdin)");
  EXPECT_EQ(checked.out, "/dev/stdin: ok\n") << checked.err;
  const auto dash = cohort_tool({"config", "check", "-"});
  EXPECT_EQ(dash.code, 3);
  EXPECT_EQ(dash.err, "-: cannot be read: No such file or directory; for standard input write /dev/stdin\n");
}

TEST(Config, LazyIsShownWhereItHasAnEffectAndWarnedOfWhereNot) {
  const TemporaryDirectory directory;
  const auto file = [&](const std::string& keys) {
    return directory.write("c.json", R"({"version": 1, "managers": [], )" + keys + "}");
  };
  const auto shown = [](const std::string& path) { return Json::parse(cohort_tool({"config", "show", path}).out); };
  EXPECT_EQ(shown(file(R"("topology": "all_to_all")")).at("lazy"), true);
  EXPECT_EQ(shown(file(R"("lazy": false)")).at("lazy"), false);
  EXPECT_EQ(dry_run({}).at("lazy"), true);
  const auto ring = file(R"("topology": "ring")");
  EXPECT_FALSE(shown(ring).contains("lazy"));
  EXPECT_EQ(cohort_tool({"config", "check", directory.write("s.json", shown(ring).dump())}).err, "");

  const auto lazy_ring = file(R"("topology": "ring", "lazy": true)");
  const auto checked = cohort_tool({"config", "check", lazy_ring});
  EXPECT_EQ(checked.code, 0);
  EXPECT_EQ(checked.out, lazy_ring + ": ok\n");
  EXPECT_EQ(checked.err, lazy_ring +
                             ":1:60: warning: lazy has no effect: in the topology ring workers always connect as "
                             "they join; lazy is for all_to_all\n");
}

TEST(Config, CheckFindsFilesThatAreNoModules) {
  const TemporaryDirectory directory;
  ASSERT_EQ(mkfifo(directory.path("fifo").c_str(), 0600), 0);
  directory.write("text.so", "text");
  const auto file = directory.write("c.json", R"({"version": 1, "managers": [], "modules": [
"", "/", "text.so", "fifo", "somewhere/else.so", ")" COHORT_TEST_MODULES R"(/statistics.so"]})");
  const auto checked = cohort_tool({"config", "check", file});
  EXPECT_EQ(checked.code, 3);
  const auto lines = lines_of(checked.err);
  ASSERT_EQ(lines.size(), 4u) << checked.err;
  const auto expect = [&](std::size_t line, const std::string& place, const std::string& end) {
    EXPECT_TRUE(lines[line].starts_with(file + place)) << lines[line];
    EXPECT_TRUE(lines[line].ends_with(end)) << lines[line];
  };
  expect(0, ":2:1: modules[0]: cannot load the module ", ": it is not a regular file");
  expect(1, ":2:5: modules[1]: cannot load the module /", ": it is not a regular file");
  expect(2, ":2:10: modules[2]: cannot load the module ", "text.so: it is not an ELF shared library");
  expect(3, ":2:21: modules[3]: cannot load the module ", "fifo: it is not a regular file");
}

#if COHORT_WITH_SSH && COHORT_WITH_TLS
TEST(Config, OptionsThatNameAFifoDoNotHang) {
  const TemporaryDirectory directory;
  const auto fifo = directory.path("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const auto tls =
      cohort_tool({"run", "-p", "0", "--transport", "tls", "--set", "transport.options.ca=" + fifo, "--set",
                   "transport.options.certificate=" + fifo, "--set", "transport.options.key=" + fifo, "true"});
  EXPECT_EQ(tls.code, 3);
  EXPECT_TRUE(contains(tls.err, "tls: ca '" + fifo + "': it is not a regular file")) << tls.err;
  const auto machines = cohort_tool({"run", "-m", "ssh", "-o", "machine_file=" + fifo, "true"});
  EXPECT_EQ(machines.code, 3);
  EXPECT_TRUE(contains(machines.err, "cannot read the machine file " + fifo + ": it is not a regular file"))
      << machines.err;
}
#endif

TEST(Config, AFileNameIsOnOneLineOfAMessage) {
  const TemporaryDirectory directory;
  const auto bad = directory.write("a\nb.json", "{}"), shown = directory.path("a\\nb.json");
  EXPECT_TRUE(cohort_tool({"config", "check", bad}).err.starts_with(shown + ":1:1: "));
  for (const std::string command : {"show", "check"}) {
    const auto missing = cohort_tool({"config", command, directory.path("no\nfile")});
    EXPECT_TRUE(contains(missing.err, directory.path("no\\nfile") + ": cannot be read: ")) << missing.err;
  }
  EXPECT_TRUE(contains(cohort_tool({"topology", bad}).err, shown + ":1:1: "));
  EXPECT_TRUE(contains(cohort_tool({"run", "-f", bad, "true"}).err, shown + ":1:1: "));
  const auto good = directory.write("c\nd.json", R"({"version": 1, "managers": []})");
  EXPECT_EQ(cohort_tool({"config", "check", good}).out, directory.path("c\\nd.json") + ": ok\n");
  const auto flags = cohort_tool({"run", "-f", good, "-p", "1", "true"});
  EXPECT_TRUE(contains(flags.err, directory.path("c\\nd.json") + " has 0")) << flags.err;
}

}  // namespace
