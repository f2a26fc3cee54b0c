// cohort: the command line tool. Its commands are in the files of their names.

#include <exception>
#include <memory>
#include <string_view>

#include <CLI/CLI.hpp>

#include <cohort/session.hpp>
#include <cohort/version.hpp>

#include "command.hpp"
#include "exit_code.hpp"
#include "subcommands.hpp"

namespace cohort::cli {
namespace {

bool is_flag(const std::string& word) { return word.size() > 1 && word.front() == '-'; }

/// What CLI11 has no words for: the flag or command that comes nearest to the unknown one.
std::string usage_message(const CLI::App& tool, const CommandLine& line, const CLI::ParseError& error) {
  const CLI::App* command = &tool;
  std::size_t i = 0;
  for (; i < line.ours.size(); i++) {
    const CLI::App* next = find_subcommand(*command, line.ours[i]);
    if (next == nullptr) break;
    command = next;
  }
  if (i < line.ours.size() && !is_flag(line.ours[i]) && !subcommands(*command).empty())
    return unknown_command(*command, line.ours[i]);
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    for (const auto& word : command->remaining(true))
      if (is_flag(word)) return unknown_flag(*command, word);
  }
  return error.what();
}

class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* command, std::string name) const override {
    std::string text = CLI::Formatter::make_usage(command, name);
    if (command->get_prefix_command()) text.insert(text.find_last_not_of('\n') + 1, " [--] PROGRAM [ARGUMENTS...]");
    return text;
  }
};

int run_tool(int argc, char** argv) {
  const CommandLine line = CommandLine::split(argc, argv);
  Action action;
  CLI::App tool("Runs programs, commands and many small jobs on clusters of worker processes", "cohort");
  tool.formatter(std::make_shared<HelpFormatter>());
  tool.set_version_flag("--version", std::string("cohort ") + version(), "Print the version");
  tool.require_subcommand(1);
  tool.failure_message([](const CLI::App*, const CLI::Error& error) { return std::string(error.what()); });
  add_run(tool, line, action);
  add_exec(tool, line, action);
  add_map(tool, line, action);
  add_config(tool, action);
  add_topology(tool, action);
  add_doctor(tool, action);
  add_plugin(tool, action);
  add_worker(tool, line, action);
  add_zmq_broker(tool, action);
  add_completion(tool, action);
  add_version(tool, action);
  add_help(tool, action);
  try {
    tool.parse(std::vector<std::string>(line.ours.rbegin(), line.ours.rend()));  // it wants the last word first
  } catch (const CLI::CallForHelp& help) {
    return tool.exit(help);
  } catch (const CLI::CallForVersion& asked) {
    return tool.exit(asked);
  } catch (const CLI::ParseError& error) {
    print_message(usage_message(tool, line, error) + "\nSee 'cohort help'.");
    return usage;
  }
  return action();
}

}  // namespace
}  // namespace cohort::cli

int main(int argc, char** argv) {
  // As a worker the tool serves, and does not come back from here. Its commands make their sessions themselves: most
  // need none, and a session of ours would take out the --cohort-* flags that are meant for the program of `run`.
  if (argc > 1 && std::string_view(argv[1]).starts_with("--cohort-worker")) cohort::Session worker(argc, argv);
  try {
    return cohort::cli::run_tool(argc, argv);
  } catch (...) {
    return cohort::cli::report(std::current_exception());
  }
}
