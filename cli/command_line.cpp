#include "command_line.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>

#include <cohort/detail/text.hpp>

#include "base/text.hpp"
#include "exit_code.hpp"
#include "text.hpp"

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

namespace {

bool is_flag(const std::string& word) { return word.size() > 1 && word.front() == '-'; }

/// "--join FILE"; what has no dashes is called by what it is, FILE.
std::string usage_of(const CLI::Option& option) {
  const std::string name = option.get_name();
  return option.get_positional() ? option.get_type_name() : name + " " + option.get_type_name();
}

/// What is required and not there; null: nothing.
const CLI::Option* missing_option(const CLI::App& command) {
  for (const CLI::Option* option : command.get_options())
    if (option->get_required() && option->count() == 0) return option;
  return nullptr;
}

std::string missing(const CLI::App& command, const CLI::ParseError& error) {
  const std::string wants = "'" + full_name(command) + "' wants ";
  if (const CLI::Option* option = missing_option(command)) {
    std::string help = option->get_description();
    if (!help.empty()) help[0] = detail::to_lower(help[0]);
    return wants + usage_of(*option) + " (" + help + ")";
  }
  std::vector<std::string> names;
  for (const CLI::App* subcommand : subcommands(command)) names.push_back(subcommand->get_name());
  return names.empty() ? error.what() : wants + "a command: " + any_of(names);
}

/// CLI11 tells the flag in the text alone: "--jobs: 1 required N missing", "Could not convert: --tag = x".
const CLI::Option* option_in(const CLI::App& command, const std::string& text) {
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (text.starts_with(name + ":") || text.find(": " + name + " = ") != text.npos) return option;
  }
  return nullptr;
}

std::string wrong_number_of_values(const CLI::App& command, const CLI::ParseError& error) {
  const CLI::Option* option = option_in(command, error.what());
  if (option == nullptr) return error.what();
  if (option->get_expected_max() == 0) return option->get_name() + " takes no value";
  if (option->count() > 1) return option->get_name() + " was given more than once";
  return option->get_name() + " wants a value: " + usage_of(*option);
}

std::string too_many(const CLI::App& command, const CLI::ParseError& error) {
  const auto words = command.remaining(true);
  const auto flag = std::find_if(words.begin(), words.end(), is_flag);
  if (flag != words.end()) return unknown_flag(command, *flag);
  return words.empty() ? error.what()
                       : "'" + full_name(command) + "' does not know what to do with '" + excerpt(words[0]) + "'";
}

}  // namespace

std::string usage_message(const CLI::App& tool, const CommandLine& line, const CLI::ParseError& error) {
  const CLI::App* command = &tool;
  std::string help = "cohort help";
  std::size_t i = 0;
  for (; i < line.ours.size(); i++) {
    const CLI::App* next = find_subcommand(*command, line.ours[i]);
    if (next == nullptr) break;
    command = next;
    help += " " + line.ours[i];
  }
  std::string message = error.what();
  if (i < line.ours.size() && !subcommands(*command).empty())
    message = is_flag(line.ours[i]) ? unknown_flag(*command, line.ours[i]) : unknown_command(*command, line.ours[i]);
  else if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr)
    message = missing(*command, error);
  else if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr)
    message = too_many(*command, error);
  else if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) || dynamic_cast<const CLI::ConversionError*>(&error))
    message = wrong_number_of_values(*command, error);
  return message + "\nSee '" + help + "'.";
}

}  // namespace cohort::cli
