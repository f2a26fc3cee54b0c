// cohort plugin test: what every plugin of its kind must do, as tests that the author of one can run.

#include <fnmatch.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <cohort/detail/text.hpp>

#include "base/process_settings.hpp"
#include "command.hpp"
#include "contract_run.hpp"
#include "exit_code.hpp"
#include "find_plugins.hpp"
#include "flag_values.hpp"
#include "interrupt_signal.hpp"
#include "output.hpp"
#include "text.hpp"

namespace cohort::cli {
namespace {

using Json = nlohmann::ordered_json;
using Outcome = TestResult::Outcome;

constexpr std::size_t lines_of_output = 20;  // shown of a test that failed

struct TestFlags {
  ContractSettings settings;
  std::string filter = "*", timeout;
  bool list = false;
  bool json = false;
};

const char* text_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::passed:
      return "passed";
    case Outcome::skipped:
      return "skipped";
    case Outcome::failed:
      return "FAILED";
  }
  return "";
}

std::string indented(const std::string& text, std::size_t last_lines = std::string::npos) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  if (lines.size() > last_lines) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(last_lines));
  std::string all;
  for (const auto& line : lines) all += "             " + line + '\n';
  return all;
}

void print(const TestResult& result) {
  std::string text = fmt::format("  {:<7}  {}  ({:.1f} s)\n", text_of(result.outcome), result.name,
                                 std::chrono::duration<double>(result.took).count());
  for (const auto& message : result.messages) text += indented(message);
  if (result.outcome == Outcome::failed && !result.output.empty())
    text += "           it printed:\n" + indented(result.output, lines_of_output);
  write_results(text);
}

Json json_of(const TestResult& result) {
  Json entry = {{"name", result.name},
                {"outcome", result.outcome == Outcome::failed ? "failed" : text_of(result.outcome)},
                {"seconds", std::chrono::duration<double>(result.took).count()},
                {"messages", result.messages}};
  if (result.outcome == Outcome::failed) entry["output"] = result.output;
  return entry;
}

Json json_of_tested(const detail::Plugin& plugin) {
  return {{"kind", detail::kind_name(plugin.descriptor->kind)},
          {"name", plugin.descriptor->name},
          {"path", plugin.path.string()}};
}

const detail::Plugin& the_plugin(const std::string& name_or_path) {
  const auto plugins = find_plugins(name_or_path);
  if (plugins.size() == 1) return *plugins.front();
  throw UsageError("'" + name_or_path + "' is a manager and a transport: give the path of the one that is meant");
}

std::vector<std::string> chosen(const std::vector<std::string>& tests, const std::string& filter) {
  std::vector<std::string> some;
  std::copy_if(tests.begin(), tests.end(), std::back_inserter(some),
               [&](const std::string& test) { return fnmatch(filter.c_str(), test.c_str(), 0) == 0; });
  if (some.empty()) throw UsageError("no test is named like '" + excerpt(filter) + "'; --list shows them");
  return some;
}

int list(const detail::Plugin& plugin, const std::vector<std::string>& tests, bool as_json) {
  if (as_json) {
    write_json(Json{{"schema_version", 1}, {"plugin", json_of_tested(plugin)}, {"tests", tests}});
  } else {
    std::string names;
    for (const auto& test : tests) names += test + '\n';
    write_results(names);
  }
  return ok;
}

void refuse_flags_of_the_other_kind(const detail::Plugin& plugin, const ContractSettings& settings) {
  const bool is_manager = plugin.descriptor->kind == PluginKind::manager;
  if (is_manager && settings.one_process) throw UsageError("--one-process is for transports; this is a manager");
  if (!is_manager && !settings.transport.empty()) throw UsageError("--transport is for managers; this is a transport");
}

int test(TestFlags flags) {
  if (!flags.timeout.empty()) flags.settings.timeout = duration("--timeout", flags.timeout);
  const detail::Plugin& plugin = the_plugin(flags.settings.plugin);
  refuse_flags_of_the_other_kind(plugin, flags.settings);
  const ContractRun run(plugin, flags.settings);
  const auto tests = chosen(run.tests(), flags.filter);
  if (flags.list) return list(plugin, tests, flags.json);

  const InterruptSignal interrupt_signal;
  survive_signal(SIGPIPE);  // what is left of a test is removed also when nobody reads any more
  if (!flags.json)
    write_results(fmt::format("{} '{}', {}\n", detail::kind_name(plugin.descriptor->kind), plugin.descriptor->name,
                              plugin.path.string()));
  std::map<Outcome, int> counts;
  Json results = Json::array();
  for (const auto& name : tests) {
    const TestResult result = run.run(name, interrupt_signal);
    if (interrupt_signal.caught()) {
      print_message("interrupted");
      return interrupted;
    }
    if (reader_is_gone(STDOUT_FILENO)) return output_closed;
    counts[result.outcome]++;
    if (flags.json)
      results.push_back(json_of(result));
    else
      print(result);
  }
  if (flags.json) {
    const Json document = {{"schema_version", 1},
                           {"plugin", json_of_tested(plugin)},
                           {"passed", counts[Outcome::passed]},
                           {"failed", counts[Outcome::failed]},
                           {"skipped", counts[Outcome::skipped]},
                           {"tests", results}};
    write_json(document);
  } else {
    write_results(fmt::format("{}: {} passed, {} failed, {} skipped\n", plural(tests.size(), "test"),
                              counts[Outcome::passed], counts[Outcome::failed], counts[Outcome::skipped]));
  }
  return counts[Outcome::failed] == 0 ? ok : operation_failed;
}

}  // namespace

Command plugin_test_command() {
  auto flags = std::make_shared<TestFlags>();
  ContractSettings& settings = flags->settings;
  return {.name = "test",
          .help = "Test whether a plugin does what every plugin of its kind must do",
          .flags = {{"plugin", &settings.plugin, "Name, or path of the file", "NAME|PATH", true},
                    {"--options", &settings.options, "Options of the plugin, a JSON object", "JSON"},
                    {"--transport", &settings.transport, "For a manager: how its workers are reached", "NAME|PATH"},
                    {"--one-process", &settings.one_process, "For a transport that connects within one process only"},
                    {"--filter", &flags->filter, "Only the tests named like that; * stands for anything", "PATTERN"},
                    {"--timeout", &flags->timeout, "Time for one test (2m)", "DURATION"},
                    {"--list", &flags->list, "Print the names of the tests, run none"},
                    {"--json", &flags->json, "Print JSON"}},
          .action = [flags](const auto&) { return test(*flags); }};
}

}  // namespace cohort::cli
