#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace cohort::cli {

/// The tool's arguments, parted at the first "--": what comes after it belongs to another program and is never read as
/// flags of ours.
struct CommandLine {
  std::vector<std::string> ours;  ///< without the name of the tool
  bool separated = false;         ///< there was a "--"
  std::vector<std::string> theirs;

  static CommandLine split(int argc, char** argv);
};

enum class NoProgram { refused, allowed };

/// The program that a command is given: the words that were not flags of `command`, and those after "--".
/// @param none whether it may be left out. @throws UsageError when it may not, or a flag that `command` does not know.
std::vector<std::string> other_program(const CLI::App& command, const CommandLine& line,
                                       NoProgram none = NoProgram::refused);

/// @throws UsageError for a flag or a word of the command that was given an empty value, as -p "$N" is where N is not
/// set: to go on as if it was not given would be a guess.
void refuse_empty_values(const CLI::App& tool);

/// "unknown flag --procz for 'cohort run'; did you mean '--procs'?"
std::string unknown_flag(const CLI::App& command, const std::string& flag);

std::vector<const CLI::App*> subcommands(const CLI::App& command);
/// The subcommand of that name, or null.
const CLI::App* find_subcommand(const CLI::App& command, const std::string& name);
/// "cohort config check"
std::string full_name(const CLI::App& command);
/// "unknown command 'cohort rnu'; did you mean 'run'?"
std::string unknown_command(const CLI::App& command, const std::string& name);

/// For people, what CLI11 found wrong with a command line: what was wanted, the flag or command that comes nearest to
/// an unknown one, and where there is help.
std::string usage_message(const CLI::App& tool, const CommandLine& line, const CLI::ParseError& error);

}  // namespace cohort::cli
