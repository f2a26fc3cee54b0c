#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

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

/// The word as a POSIX shell reads it back.
std::string shell_quote(std::string_view word);
/// The words quoted, with blanks between.
std::string shell_join(const std::vector<std::string>& words);

}  // namespace cohort::cli
