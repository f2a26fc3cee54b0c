#include "subcommands.hpp"

#include <CLI/CLI.hpp>

#include <cohort/detail/text.hpp>

#include "base/nearest.hpp"

namespace cohort::cli {

std::vector<const CLI::App*> subcommands(const CLI::App& command) {
  return command.get_subcommands([](const CLI::App*) { return true; });
}

const CLI::App* find_subcommand(const CLI::App& command, const std::string& name) {
  for (const CLI::App* subcommand : subcommands(command))
    if (subcommand->get_name() == name) return subcommand;
  return nullptr;
}

std::string full_name(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return (parent == nullptr ? "" : full_name(*parent) + " ") + command.get_name();
}

std::string unknown_command(const CLI::App& command, const std::string& name) {
  std::vector<std::string> names;
  for (const CLI::App* subcommand : subcommands(command)) names.push_back(subcommand->get_name());
  return "unknown command '" + full_name(command) + " " + excerpt(name) + "'" + detail::did_you_mean(name, names);
}

}  // namespace cohort::cli
