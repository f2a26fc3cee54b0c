// cohort help, cohort version.

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <cohort/plugin.hpp>
#include <cohort/version.hpp>

#include "command.hpp"
#include "command_line.hpp"
#include "exit_code.hpp"
#include "output.hpp"

namespace cohort::cli {
namespace {

int print_version(bool as_json) {
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

}  // namespace

Command version_command() {
  auto as_json = std::make_shared<bool>(false);
  return {.name = "version",
          .help = "Print the version",
          .flags = {{"--json", as_json.get(), "Print JSON, with what plugins must match"}},
          .action = [as_json](const auto&) { return print_version(*as_json); }};
}

Command help_command(const Command& tool) {
  auto topic = std::make_shared<std::vector<std::string>>();
  return {.name = "help",
          .help = "Print help on a command",
          .flags = {{"command", topic.get(), "The command", "COMMAND"}},
          .action = [topic, &tool](const auto&) {
            write_results(help_text(tool, *topic));
            return ok;
          }};
}

}  // namespace cohort::cli
