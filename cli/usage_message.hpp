#pragma once

#include <string>

#include "command_line.hpp"

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace cohort::cli {

/// For people, what CLI11 found wrong with a command line: what was wanted, the flag or command that comes nearest to
/// an unknown one, and where there is help.
std::string usage_message(const CLI::App& tool, const CommandLine& line, const CLI::ParseError& error);

}  // namespace cohort::cli
