// cohort help, cohort version.

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cohort/plugin.hpp>
#include <cohort/version.hpp>

#include "command.hpp"
#include "command_line.hpp"
#include "exit_code.hpp"
#include "output.hpp"

namespace cohort::cli {
namespace {

int version_command(bool as_json) {
  if (!as_json) {
    write_results(std::string("cohort ") + version() + '\n');
    return ok;
  }
  const std::string abi = std::to_string(plugin_abi_major) + "." + std::to_string(plugin_abi_minor);
  const nlohmann::ordered_json document = {
      {"schema_version", 1}, {"version", version()}, {"plugin_abi", abi}, {"build_tag", COHORT_BUILD_TAG}};
  write_json(document);
  return ok;
}

int help(const CLI::App& tool, const std::vector<std::string>& topic) {
  const CLI::App* command = &tool;
  std::string name = "cohort";
  for (const auto& word : topic) {
    const CLI::App* next = find_subcommand(*command, word);
    if (next == nullptr) throw UsageError(unknown_command(*command, word));
    command = next;
    name += " " + word;
  }
  // Not App::help(): that is about the command that was parsed, which is `help`.
  write_results(command->get_formatter()->make_help(command, name, CLI::AppFormatMode::Normal));
  return ok;
}

}  // namespace

void add_version(CLI::App& tool, Action& action) {
  auto as_json = std::make_shared<bool>(false);
  CLI::App* command = tool.add_subcommand("version", "Print the version");
  command->add_flag("--json", *as_json, "Print JSON, with what plugins must match");
  command->callback([as_json, &action] { action = [as_json] { return version_command(*as_json); }; });
}

void add_help(CLI::App& tool, Action& action) {
  auto topic = std::make_shared<std::vector<std::string>>();
  CLI::App* command = tool.add_subcommand("help", "Print help on a command");
  command->add_option("command", *topic, "The command")->type_name("COMMAND");
  command->callback([topic, &tool, &action] { action = [topic, &tool] { return help(tool, *topic); }; });
}

}  // namespace cohort::cli
