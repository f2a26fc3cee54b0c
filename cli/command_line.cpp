// The only source that reads CLI11: it takes long to compile.
#include "command_line.hpp"

#include <algorithm>
#include <memory>
#include <sstream>
#include <string_view>
#include <type_traits>

#include <CLI/CLI.hpp>

#include <cohort/detail/text.hpp>
#include <cohort/version.hpp>

#include "base/text.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "text.hpp"

namespace cohort::cli {
namespace {

using Words = std::vector<std::string>;

/// The tool's arguments, without its name, parted at the first "--".
struct CommandLine {
  CommandLine(int argc, char** argv) {
    int i = 1;
    for (; i < argc && std::string_view(argv[i]) != "--"; i++) ours.emplace_back(argv[i]);
    separated = i < argc;
    for (i++; i < argc; i++) theirs.emplace_back(argv[i]);
  }

  Words ours;
  bool separated = false;  // there was a "--"
  Words theirs;
};

class HelpFormatter final : public CLI::Formatter {
 public:
  explicit HelpFormatter(Command::Program program) : program_(program) {}

  std::string make_usage(const CLI::App* command, std::string name) const override {
    std::string text = CLI::Formatter::make_usage(command, name);
    if (program_ == Command::Program::none) return text;
    text.insert(text.find_last_not_of('\n') + 1, program_ == Command::Program::optional
                                                     ? " [[--] PROGRAM [ARGUMENTS...]]"
                                                     : " [--] PROGRAM [ARGUMENTS...]");
    return text;
  }

 private:
  Command::Program program_;
};

const std::string* text_of(const Flag& flag) {
  const auto text = std::get_if<std::string*>(&flag.value);
  return text == nullptr ? nullptr : *text;
}

void add_flag(CLI::App& app, const Flag& flag) {
  const auto add = [&](auto* value) {
    if constexpr (std::is_same_v<decltype(value), bool*>)
      return app.add_flag(flag.names, *value, flag.help);
    else
      return app.add_option(flag.names, *value, flag.help);
  };
  CLI::Option* option = std::visit(add, flag.value);
  option->group(flag.group)->required(flag.required);
  if (!flag.value_name.empty()) option->type_name(flag.value_name);
  if (std::holds_alternative<Words*>(flag.value) && !flag.is_word()) option->type_size(1)->allow_extra_args(false);
  if (const auto* text = text_of(flag); text != nullptr && !text->empty()) option->capture_default_str();
}

/// The command that was on the command line, and its parser.
struct Chosen {
  const Command* command = nullptr;
  const CLI::App* app = nullptr;
};

void describe(CLI::App& app, const Command& command, Chosen& chosen) {
  app.formatter(std::make_shared<HelpFormatter>(command.program));
  app.footer(command.footer);
  app.prefix_command(command.program != Command::Program::none);
  for (const Flag& flag : command.flags) add_flag(app, flag);
  if (command.action) app.callback([&] { chosen = {&command, &app}; });
  if (!command.commands.empty()) app.require_subcommand(1);
  for (const Command& next : command.commands) describe(*app.add_subcommand(next.name, next.help), next, chosen);
}

struct Parser {
  explicit Parser(const Command& tool) : app(tool.help, tool.name) {
    describe(app, tool, chosen);
    if (!tool.commands.empty())
      app.set_version_flag("--version", std::string("cohort ") + version(), "Print the version");
  }

  Chosen chosen;
  CLI::App app;
};

Words names_of_commands(const CLI::App& command) {
  Words names;
  for (const CLI::App* next : command.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(next->get_name());
  return names;
}

/// The subcommand of that name, or null.
const CLI::App* find_subcommand(const CLI::App& command, const std::string& name) {
  for (const CLI::App* next : command.get_subcommands([](const CLI::App*) { return true; }))
    if (next->get_name() == name) return next;
  return nullptr;
}

/// "cohort config check"
std::string full_name(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return (parent == nullptr ? "" : full_name(*parent) + " ") + command.get_name();
}

/// "unknown command 'cohort rnu'; did you mean 'run'?"
std::string unknown_command(const CLI::App& command, const std::string& name) {
  return "unknown command '" + full_name(command) + " " + excerpt(name) + "'" +
         detail::did_you_mean(name, names_of_commands(command));
}

bool is_flag(const std::string& word) { return word.size() > 1 && word.front() == '-'; }

std::string dashed(const std::string& name) { return (name.size() == 1 ? "-" : "--") + name; }

/// "unknown flag --procz for 'cohort run'; did you mean '--procs'?"
std::string unknown_flag(const CLI::App& command, const std::string& flag) {
  Words names;  // without the dashes, which would make any two short flags similar
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
  const Words names = names_of_commands(command);
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

/// For people, what CLI11 found wrong.
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
  if (i < line.ours.size() && !names_of_commands(*command).empty())
    message = is_flag(line.ours[i]) ? unknown_flag(*command, line.ours[i]) : unknown_command(*command, line.ours[i]);
  else if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr)
    message = missing(*command, error);
  else if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr)
    message = too_many(*command, error);
  else if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) || dynamic_cast<const CLI::ConversionError*>(&error))
    message = wrong_number_of_values(*command, error);
  return message + "\nSee '" + help + "'.";
}

/// An empty value, as of -p "$N" where N is not set, is an error: to go on as if it was not given would be a guess.
void refuse_empty_values(const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    const auto& values = option->results();
    if (option->get_expected_max() == 0 || std::find(values.begin(), values.end(), "") == values.end()) continue;
    throw UsageError(option->get_name() + " of '" + full_name(command) + "' was given an empty value; it wants " +
                     option->get_type_name());
  }
  for (const CLI::App* next : command.get_subcommands()) refuse_empty_values(*next);
}

/// "--joblog=", which would take the next word as its value.
void refuse_empty_assignments(const Chosen& chosen, const CommandLine& line) {
  const bool has_program = chosen.command->program != Command::Program::none;
  const std::size_t others = has_program ? chosen.app->remaining().size() : 0;
  for (std::size_t i = 0; i + others < line.ours.size(); i++) {
    const std::string& word = line.ours[i];
    if (word.size() > 3 && word.starts_with("--") && word.find('=') == word.size() - 1)
      throw UsageError(word.substr(0, word.size() - 1) + " of '" + full_name(*chosen.app) +
                       "' was given an empty value: leave it out, or write its value behind the '='");
  }
}

/// The words that were not flags of the command, and those after "--".
Words other_program(const Chosen& chosen, const CommandLine& line) {
  const auto& [command, app] = chosen;
  if (command->program == Command::Program::none) return {};
  Words words = app->remaining();
  if (!words.empty() && is_flag(words.front())) {
    const std::string advice = command->advice_for_flag == nullptr ? "" : command->advice_for_flag(words.front());
    throw UsageError(advice.empty() ? unknown_flag(*app, words.front()) : advice);
  }
  if (!words.empty() && line.separated) words.emplace_back("--");  // it was the program's own
  words.insert(words.end(), line.theirs.begin(), line.theirs.end());
  if (words.empty() && command->program == Command::Program::required)
    throw UsageError("which program? See 'cohort help " + command->name + "'");
  return words;
}

}  // namespace

std::vector<std::string> Flag::all_names() const { return CLI::detail::split(names, ','); }

int run_command_line(const Command& tool, int argc, char** argv) {
  const CommandLine line(argc, argv);
  Parser parser(tool);
  try {
    parser.app.parse(Words(line.ours.rbegin(), line.ours.rend()));  // it wants the last word first
  } catch (const CLI::Success& asked) {                             // for help, or the version
    std::ostringstream text;
    parser.app.exit(asked, text, text);
    write_results(text.str());
    return ok;
  } catch (const CLI::ParseError& error) {
    throw UsageError(usage_message(parser.app, line, error));
  }
  refuse_empty_values(parser.app);
  refuse_empty_assignments(parser.chosen, line);
  return parser.chosen.command->action(other_program(parser.chosen, line));
}

std::string help_text(const Command& tool, const std::vector<std::string>& path) {
  const Parser parser(tool);
  const CLI::App* command = &parser.app;
  for (const auto& word : path) {
    const CLI::App* next = find_subcommand(*command, word);
    if (next == nullptr) throw UsageError(unknown_command(*command, word));
    command = next;
  }
  // Not App::help(): that is about the command that was parsed.
  return command->get_formatter()->make_help(command, full_name(*command), CLI::AppFormatMode::Normal);
}

}  // namespace cohort::cli
