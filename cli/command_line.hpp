#pragma once

#include <string>
#include <vector>

#include "command.hpp"

namespace cohort::cli {

/// Reads the arguments as `tool` describes them, and runs the command that is among them; or prints help or the version
/// if that was asked for. What follows the first "--" belongs to another program and is never read as flags of ours.
/// @return the exit status. @throws UsageError that says what was wanted, the flag or the command that comes nearest to
/// an unknown one, and where there is help; and what the command throws.
int run_command_line(const Command& tool, int argc, char** argv);

/// The help of a command. @param path its name, word by word: {"config", "check"}; empty: the tool itself.
/// @throws UsageError: there is none of that name.
std::string help_text(const Command& tool, const std::vector<std::string>& path);

}  // namespace cohort::cli
