#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace cohort::cli {

std::vector<const CLI::App*> subcommands(const CLI::App& command);
/// The subcommand of that name, or null.
const CLI::App* find_subcommand(const CLI::App& command, const std::string& name);
/// "cohort config check"
std::string full_name(const CLI::App& command);
/// "unknown command 'cohort rnu'; did you mean 'run'?"
std::string unknown_command(const CLI::App& command, const std::string& name);

}  // namespace cohort::cli
