#include "command_line.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>

#include <cohort/detail/text.hpp>

#include "base/nearest.hpp"
#include "exit_code.hpp"
#include "subcommands.hpp"

namespace cohort::cli {
namespace {

std::string dashed(const std::string& name) { return (name.size() == 1 ? "-" : "--") + name; }

}  // namespace

CommandLine CommandLine::split(int argc, char** argv) {
  CommandLine line;
  int i = 1;
  for (; i < argc && std::string_view(argv[i]) != "--"; i++) line.ours.emplace_back(argv[i]);
  line.separated = i < argc;
  for (i++; i < argc; i++) line.theirs.emplace_back(argv[i]);
  return line;
}

std::vector<std::string> other_program(const CLI::App& command, const CommandLine& line, NoProgram none) {
  std::vector<std::string> words = command.remaining();
  if (!words.empty() && words.front().size() > 1 && words.front().front() == '-')
    throw UsageError(unknown_flag(command, words.front()));
  if (!words.empty() && line.separated) words.emplace_back("--");  // it was the program's own
  words.insert(words.end(), line.theirs.begin(), line.theirs.end());
  if (words.empty() && none == NoProgram::refused)
    throw UsageError("which program? See 'cohort help " + command.get_name() + "'");
  return words;
}

void refuse_empty_values(const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    const auto& values = option->results();
    if (option->get_expected_max() == 0 || std::find(values.begin(), values.end(), "") == values.end()) continue;
    throw UsageError(option->get_name() + " of '" + full_name(command) + "' was given an empty value; it wants " +
                     option->get_type_name());
  }
  for (const CLI::App* subcommand : command.get_subcommands()) refuse_empty_values(*subcommand);
}

std::string unknown_flag(const CLI::App& command, const std::string& flag) {
  std::vector<std::string> names;  // without the dashes, which would make any two short flags similar
  for (const CLI::Option* option : command.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back(name);
    for (const auto& name : option->get_snames()) names.push_back(name);
  }
  const std::string written = flag.substr(0, flag.find('='));
  const std::string* near =
      detail::nearest(written.substr(std::min(written.find_first_not_of('-'), written.size())), names);
  const std::string hint = near == nullptr ? "" : "; did you mean '" + dashed(*near) + "'?";
  return "unknown flag " + excerpt(written) + " for '" + full_name(command) + "'" + hint;
}

std::string shell_quote(std::string_view word) {
  const auto harmless = [](char c) {
    return detail::is_letter_or_digit(c) || std::string_view("@%+=:,./-_").find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), harmless)) return std::string(word);
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'')
      quoted += "'\\''";
    else
      quoted += c;
  }
  return quoted + "'";
}

std::string shell_join(const std::vector<std::string>& words) {
  std::string joined;
  for (const auto& word : words) joined += (joined.empty() ? "" : " ") + shell_quote(word);
  return joined;
}

}  // namespace cohort::cli
