// version, help, plugin, and what wrong command lines are told.

#include <signal.h>
#include <sys/stat.h>

#include <filesystem>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <cohort/version.hpp>

#include "test_programs.hpp"
#include "tool.hpp"

namespace {

using Json = nlohmann::json;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Usage, VersionIsPrintedInThreeForms) {
  const std::string expected = std::string("cohort ") + cohort::version() + "\n";
  EXPECT_EQ(cohort_tool({"version"}).out, expected);
  EXPECT_EQ(cohort_tool({"--version"}).out, expected);
  const auto as_json = Json::parse(cohort_tool({"version", "--json"}).out);
  EXPECT_EQ(as_json.at("schema_version"), 1);
  EXPECT_EQ(as_json.at("version"), cohort::version());
}

TEST(Usage, HelpIsOnEveryCommand) {
  const auto all = cohort_tool({"help"});
  EXPECT_EQ(all.code, 0);
  for (const std::string command : {"run", "exec", "map", "config", "topology", "doctor", "reap", "fake-scheduler",
                                    "plugin", "zmq-broker", "completion", "version", "help"}) {
    EXPECT_TRUE(contains(all.out, "\n  " + command + " ")) << command;
    const auto one = cohort_tool({"help", command});
    EXPECT_EQ(one.code, 0);
    EXPECT_TRUE(contains(one.out, "Usage: cohort " + command)) << one.out;
    EXPECT_EQ(cohort_tool({command, "--help"}).out, one.out);
  }
  EXPECT_TRUE(contains(cohort_tool({"help", "config", "check"}).out, "Usage: cohort config check"));
  EXPECT_TRUE(contains(cohort_tool({"help", "run"}).out, "[OPTIONS] [--] PROGRAM [ARGUMENTS...]\n"));
  EXPECT_TRUE(contains(cohort_tool({"help", "worker"}).out, "[OPTIONS] [[--] PROGRAM [ARGUMENTS...]]\n"));
  EXPECT_TRUE(contains(cohort_tool({"help", "zmq-broker"}).out, "ipc://@NAME"));
}

TEST(Usage, UnknownWordsAreAnsweredWithTheNearest) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"mpa2"}, "unknown command 'cohort mpa2'"},
      {{"confg"}, "unknown command 'cohort confg'; did you mean 'config'?"},
      {{"config", "chek", "x"}, "unknown command 'cohort config chek'; did you mean 'check'?"},
      {{"help", "exce"}, "did you mean 'exec'?"},
      {{"rnu", "-p", "1", "true"}, "unknown command 'cohort rnu'; did you mean 'run'?"},
      {{"help", "mpa"}, "did you mean 'map'?"},
      {{"map", "-y", "--", "true"}, "unknown flag -y for 'cohort map'\n"},
      {{"map", "--keep-oder", "--", "true"}, "unknown flag --keep-oder for 'cohort map'; did you mean '--keep-order'?"},
      {{"plugin", "list", "--jsn"}, "unknown flag --jsn for 'cohort plugin list'; did you mean '--json'?"},
      {{"run", "-p", "many", "true"}, "-p wants a number of workers or 'auto', not 'many'"},
      {{"run", "-o", "count", "true"}, "-o wants KEY=VALUE"},
      {{"run", "--lazy", "--no-lazy", "true"}, "exclude each other"},
      {{"run"}, "which program?"},
      {{"exec", "--"}, "which program?"},
      {{"map", "--", ":::", "1"}, "which command?"},
      {{"map", "--timeout", "5", "--", "true", ":::", "1"}, "needs a unit"},
      {{"map", "--", "echo {} | wc", ":::", "1"}, "--shell"},
      {{}, "'cohort' wants a command: run, exec, map,"},
      {{"config"}, "'cohort config' wants a command: check, show or schema\nSee 'cohort help config'."},
      {{"--verzion"}, "unknown flag --verzion for 'cohort'; did you mean '--version'?"},
      {{"doctor"}, "'cohort doctor' wants FILE (cluster file), or -m and the manager of a batch system\nSee "},
      {{"doctor", "lab.json", "-m", "slurm"}, "wants a cluster file, or flags about a manager, and not both"},
      {{"worker"}, "'cohort worker' wants --join FILE|- (the join file"},
      {{"config", "check", "a", "b"}, "'cohort config check' does not know what to do with 'b'"},
      {{"map", "--halt", "sometimes", "--", "true"}, "--halt wants never, soon or now, not 'sometimes'\n"},
      {{"map", "--halt", "son", "--", "true"}, "--halt wants never, soon or now, not 'son'; did you mean 'soon'?"},
      {{"map", "--retries", "x", "--", "true"}, "--retries wants a whole number from 0 to 1000000, not 'x'"},
      {{"map", "-j", "0", "--", "true"}, "--jobs wants a whole number from 1 to 1000, not '0'"},
      {{"map", "-j"}, "--jobs wants a value: --jobs N\n"},
      {{"map", "-j", "1", "-j", "2", "--", "true"}, "--jobs was given more than once"},
      {{"map", "--tag=foo", "--", "true"}, "--tag takes no value"},
      {{"map", "--timeout", "106751d", "--", "true"}, "may have at most 4 digits before 'd' (9999d), not '106751d'"},
      {{"doctor", "lab.json", "--timeout", "x"}, "--timeout: expected a duration like"},
      {{"completion", "tcsh"}, "'cohort completion' wants bash, zsh or fish, not 'tcsh'"},
      {{"run", "-p", "", "true"}, "--procs of 'cohort run' was given an empty value; it wants N|auto"},
      {{"exec", "-f", "", "true"}, "--cluster of 'cohort exec' was given an empty value; it wants FILE.json"},
      {{"exec", "--cluster=", "true"}, "--cluster of 'cohort exec' was given an empty value"},
      {{"map", "-p1", "--joblog=", "-k", "echo", ":::", "a"}, "--joblog of 'cohort map' was given an empty value"},
      {{"plugin", "new", "manager", "--dir=", "xx", "yy"}, "--dir of 'cohort plugin new' was given an empty value"},
      {{"config", "check", ""}, "file of 'cohort config check' was given an empty value; it wants FILE"},
      {{"run", "-o", "env=A=b", "true"}, "-o 'env={\"NAME\": \"value\"}'"},
      {{"run", "-o", "x-threads=3", "true"}, "-o x-threads=3: keys that begin with x- have no effect"},
      {{"run", "--set", "managers.0.x-a=3", "true"}, "keys that begin with x- have no effect"},
      {{"run", "--topology", "r\xe9", "true"}, "--topology: 'r"},
      {{"run", "-o", "dir=/\xe9", "true"}, "is not UTF-8"},
      {{"run", "--set", "name=\xe9", "true"}, "--set: 'name="},
      {{"run", "--options", "{\"dir\": \"\xe9\"}", "true"}, "--options: '"},
      {{"run", "--options", "[]", "true"}, "--options wants a JSON object like '{\"count\": 4}'"},
      {{"plugin", "test", "local", "--one-process"}, "--one-process is for transports"},
      {{"plugin", "test", "tcp", "--transport", "unix"}, "--transport is for managers"},
      {{"plugin", "new", "manger", "x"},
       "wants manager, transport or queue-driver, not 'manger'; did you mean 'manager'?"},
  };
  for (const auto& [arguments, message] : cases) {
    const auto result = cohort_tool(arguments);
    EXPECT_EQ(result.code, !arguments.empty() && arguments[0] == "map" ? 112 : 2) << message;
    EXPECT_TRUE(result.err.starts_with("cohort: ")) << result.err;
    EXPECT_TRUE(contains(result.err, message)) << result.err;
    EXPECT_EQ(result.out, "");
  }
}

#if COHORT_WITH_ZMQ
TEST(Usage, ProgramsBehindACommandSpeakAsTheTool) {
  const auto broker = cohort_tool({"zmq-broker", "--listen", "nowhere"});
  EXPECT_EQ(broker.err,
            "cohort: zmq: 'nowhere' is no address of a broker; it is tcp://HOST:PORT, ipc://PATH or ipc://@NAME\n");
  EXPECT_EQ(broker.code, 3);
}

TEST(Usage, PortsThatAreNoneAreRefused) {
  for (const std::string port : {"70000", "65536", "-1", "99999999999999999999", "80x", ""}) {
    const auto broker = cohort_tool({"zmq-broker", "--listen", "tcp://127.0.0.1:" + port});
    EXPECT_EQ(broker.code, 3) << broker.out;
    EXPECT_TRUE(contains(broker.err, "'" + port + "' is no port from 0 to 65535")) << broker.err;
    const auto transport =
        cohort_tool({"run", "--transport", "zmq", "--set", "transport.options.broker=tcp://127.0.0.1:" + port, "true"});
    EXPECT_TRUE(contains(transport.err, "'" + port + "' is no port from 0 to 65535")) << transport.err;
  }
}

TEST(Usage, ABrokerListensAtTheNameOfAHost) {
  ToolInput input;
  input.when_printed = "tcp://127.0.0.1:";
  input.then = [](int pid) { kill(pid, SIGTERM); };
  const auto broker = cohort_tool({"zmq-broker", "--listen", "tcp://localhost:*"}, input);
  EXPECT_TRUE(broker.out.starts_with("tcp://127.0.0.1:")) << broker.out << broker.err;
  EXPECT_EQ(broker.code, 0);
}
#endif

TEST(Usage, FlagsWithoutEffectSaySo) {
  const TemporaryDirectory directory;
  const auto jobs = cohort_tool({"map", "-m", "elastic", "-j", "2", "true", ":::", "1"}, {.dir = directory.path()});
  EXPECT_TRUE(contains(jobs.err, "-j 2 has no effect on the workers of manager 'elastic': it has no option 'threads'"))
      << jobs.err;
  const auto inside = cohort_tool({"run", "-p", "1", COHORT_TOOL, "map", "-j", "2", "true", ":::", "1"});
  EXPECT_TRUE(contains(inside.err, "-j 2 has no effect on the workers that are there already")) << inside.err;
  EXPECT_EQ(cohort_tool({"map", "-p", "1", "-j", "2", "true", ":::", "1"}).err, "");
  const auto lazy = [](const std::string& topology, const std::string& flag) {
    const auto result = cohort_tool({"run", "--dry-run", "-p", "1", "--topology", topology, flag, "true"});
    EXPECT_EQ(result.code, 0);
    return result.err;
  };
  const std::string no_effect = "cohort: --lazy and --no-lazy have no effect: in the topology ";
  EXPECT_EQ(lazy("master_worker", "--lazy"), no_effect + "master_worker no two workers are connected\n");
  for (const std::string topology : {"custom", "ring", "grid:1x1", "torus", "tree:2", "hypercube"})
    EXPECT_EQ(lazy(topology, "--no-lazy"),
              no_effect + topology + " workers always connect as they join; lazy is for all_to_all\n");
  EXPECT_EQ(lazy("all_to_all", "--no-lazy"), "");
}

TEST(Usage, AMessageIsSafeForATerminal) {
  const auto result = cohort_tool({"run", "-p", std::string(100'000, 'x') + "\x1b[2J", "true"});
  EXPECT_EQ(result.code, 2);
  EXPECT_LT(result.err.size(), 4000u);
  const auto escape = cohort_tool({"exec", "-p", "\x1b[2J", "true"});
  EXPECT_TRUE(contains(escape.err, "not '\\x1b[2J'")) << escape.err;
}

TEST(Plugin, ListAndInfo) {
  const auto listed = Json::parse(cohort_tool({"plugin", "list", "--json"}).out);
  EXPECT_EQ(listed.at("schema_version"), 1);
  std::string path;
  for (const auto& plugin : listed.at("plugins"))
    if (plugin.at("kind") == "manager" && plugin.at("name") == "local") path = plugin.at("path");
  ASSERT_NE(path, "");
  EXPECT_TRUE(contains(cohort_tool({"plugin", "list"}).out, path));

  const auto by_name = cohort_tool({"plugin", "info", "local"});
  for (const std::string part : {"manager 'local'", path.c_str(), "ABI", "build tag", "affinity"})
    EXPECT_TRUE(contains(by_name.out, part)) << part << " in " << by_name.out;
  EXPECT_EQ(cohort_tool({"plugin", "info", path}).out, by_name.out);
  const auto as_json = Json::parse(cohort_tool({"plugin", "info", "local", "--json"}).out);
  EXPECT_TRUE(as_json.at("plugins").at(0).at("options").at("properties").contains("count"));
}

TEST(Plugin, MissingAndRefusedOnesAreExitCode4) {
  const auto missing = cohort_tool({"plugin", "info", "loca"});
  EXPECT_EQ(missing.code, 4);
  EXPECT_TRUE(contains(missing.err, "did you mean 'local'?")) << missing.err;
  const TemporaryDirectory directory;
  const auto broken = directory.write("libcohort_manager_broken.so", "not a library");
  const auto refused = cohort_tool({"plugin", "info", broken});
  EXPECT_EQ(refused.code, 4);
  EXPECT_TRUE(contains(refused.err, broken)) << refused.err;
  const auto swapped = cohort_tool({"run", "-m", "lcoal", "true"});
  EXPECT_EQ(swapped.code, 4);
  EXPECT_TRUE(contains(swapped.err, "there is no manager plugin 'lcoal'; did you mean 'local'?")) << swapped.err;
  const auto transport = cohort_tool({"run", "--transport", "tpc", "true"});
  EXPECT_EQ(transport.code, 4);
  EXPECT_TRUE(contains(transport.err, "there is no transport plugin 'tpc'; did you mean 'tcp'?")) << transport.err;
  const auto kind = cohort_tool({"run", "-m", "tcp", "true"});
  EXPECT_TRUE(contains(kind.err, "there is no manager plugin 'tcp'; there is a transport of that name")) << kind.err;
}

TEST(Plugin, WhatIsNoRegularFileIsRefusedAndNotWaitedFor) {
  const TemporaryDirectory directory;
  const auto fifo = directory.path("libcohort_manager_fifo.so");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  std::filesystem::create_directory(directory.path("libcohort_manager_directory.so"));
  std::filesystem::permissions(directory.path("libcohort_manager_directory.so"), std::filesystem::perms(0755));
  const auto run = [&](const std::string& arguments) {
    return run_script("COHORT_PLUGIN_PATH=\"$PWD\" \"$cohort\" " + arguments, {.dir = directory.path()});
  };
  const auto list = run("plugin list");
  EXPECT_EQ(list.code, 0);
  EXPECT_TRUE(contains(list.out, "the plugin " + fifo + " is not a regular file\n")) << list.out;
  EXPECT_TRUE(contains(list.out, "libcohort_manager_directory.so is not a regular file\n")) << list.out;
  EXPECT_TRUE(contains(list.out, "\nmanager    local ")) << list.out;
  EXPECT_EQ(run("config schema").code, 0);
  for (const std::string arguments :
       {"plugin info fifo", "plugin info \"$PWD\"/libcohort_manager_fifo.so", "exec -m fifo true"}) {
    const auto refused = run(arguments);
    EXPECT_EQ(refused.code, 4) << arguments;
    EXPECT_EQ(refused.err, "cohort: the plugin " + fifo + " is not a regular file\n");
  }
  const auto module = run("exec -p 1 -L " + fifo + " true");
  EXPECT_EQ(module.code, 4);
  EXPECT_EQ(module.err, "cohort: cannot load the module " + fifo + ": it is not a regular file\n");
}

TEST(Plugin, ATransportOfOneProcessSaysSo) {
  const auto result = cohort_tool({"exec", "-p", "1", "--transport", "inproc", "true"});
  EXPECT_EQ(result.code, 20);
  EXPECT_TRUE(contains(result.err, "inproc connects within one process only")) << result.err;
  EXPECT_FALSE(contains(result.err, "firewall")) << result.err;
}

}  // namespace
