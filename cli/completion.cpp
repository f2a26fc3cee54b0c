// cohort completion: scripts for shells, made from the commands and flags that there are.

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <cohort/detail/text.hpp>

#include "command.hpp"
#include "command_line.hpp"
#include "exit_code.hpp"
#include "flag_values.hpp"
#include "output.hpp"

namespace cohort::cli {
namespace {

struct Word {
  std::string text;
  std::string help;
};

/// A command and what may follow it.
struct Completions {
  std::vector<std::string> path;  // "config", "check"; empty: the tool
  std::vector<Word> commands;
  std::vector<Word> flags;
};

/// The values of an argument that is described as "bash|zsh|fish"; none for "NAME|PATH".
std::vector<std::string> choices(const std::string& type_name) {
  if (std::any_of(type_name.begin(), type_name.end(), detail::is_upper)) return {};
  return CLI::detail::split(type_name, '|');
}

std::vector<Completions> walk(const CLI::App& command, const std::vector<std::string>& path) {
  Completions here{path, {}, {}};
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_positional()) {
      for (const auto& value : choices(option->get_type_name())) here.commands.push_back({value, ""});
    }
    for (const auto& name : option->get_lnames()) here.flags.push_back({"--" + name, option->get_description()});
    for (const auto& name : option->get_snames()) here.flags.push_back({"-" + name, option->get_description()});
  }
  std::vector<Completions> all;
  for (const CLI::App* subcommand : subcommands(command)) {
    here.commands.push_back({subcommand->get_name(), subcommand->get_description()});
    auto longer = path;
    longer.push_back(subcommand->get_name());
    const auto below = walk(*subcommand, longer);
    all.insert(all.end(), below.begin(), below.end());
  }
  all.insert(all.begin(), std::move(here));
  return all;
}

std::string joined_path(const Completions& command) {
  std::string text;
  for (const auto& word : command.path) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string joined_words(const Completions& command) {
  std::string text;
  for (const auto& word : command.commands) text += (text.empty() ? "" : " ") + word.text;
  for (const auto& word : command.flags) text += (text.empty() ? "" : " ") + word.text;
  return text;
}

/// The words of the command line that are commands, then a case for each such path. Files complete everything else.
void print_bash(const std::vector<Completions>& commands, std::ostream& out) {
  out << "# bash completion for cohort: source it, or put it into a directory of bash-completion.\n"
         "_cohort() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} path= words= i\n"
         "  for ((i = 1; i < COMP_CWORD && i < 3; i++)); do\n"
         "    case \"${COMP_WORDS[i]}\" in -*) break ;; esac\n"
         "    path=\"${path:+$path }${COMP_WORDS[i]}\"\n"
         "  done\n"
         "  case \"$path\" in\n";
  for (const auto& command : commands) {
    const std::string path = joined_path(command);
    const std::string pattern = path.empty() || !command.commands.empty() ? fmt::format("\"{}\"", path)
                                                                          : fmt::format("\"{0}\" | \"{0} \"*", path);
    out << fmt::format("    {}) words=\"{}\" ;;\n", pattern, joined_words(command));
  }
  out << "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "}\n"
         "complete -o default -F _cohort cohort\n";
}

std::string in_quotes(const std::string& text, const std::string& escaped_quote) {
  std::string quoted;
  for (const char c : text) quoted += c == '\'' ? escaped_quote : std::string(1, c);
  return "'" + quoted + "'";
}

void print_zsh(const std::vector<Completions>& commands, std::ostream& out) {
  out << "#compdef cohort\n"
         "_cohort() {\n"
         "  local typed= i\n"
         "  local -a entries\n"
         "  for ((i = 2; i < CURRENT && i < 4; i++)); do\n"
         "    [[ $words[i] == -* ]] && break\n"
         "    typed=\"${typed:+$typed }$words[i]\"\n"
         "  done\n"
         "  case \"$typed\" in\n";
  for (const auto& command : commands) {
    const std::string path = joined_path(command);
    const std::string pattern = path.empty() || !command.commands.empty() ? fmt::format("\"{}\"", path)
                                                                          : fmt::format("\"{0}\" | \"{0} \"*", path);
    out << fmt::format("    {}) entries=(\n", pattern);
    for (const auto* words : {&command.commands, &command.flags})
      for (const auto& word : *words) out << "      " << in_quotes(word.text + ":" + word.help, "'\\''") << '\n';
    out << "    ) ;;\n";
  }
  out << "  esac\n"
         "  _describe 'cohort' entries\n"
         "  _files\n"
         "}\n"
         "# From fpath this file is the function itself, at its first call; else it is sourced.\n"
         "if [[ $funcstack[1] == _cohort ]]; then _cohort \"$@\"; else compdef _cohort cohort; fi\n";
}

void print_fish(const std::vector<Completions>& commands, std::ostream& out) {
  out << "# fish completion for cohort\n";
  for (const auto& command : commands) {
    std::string condition = command.path.empty() ? "__fish_use_subcommand" : "";
    for (const auto& word : command.path)
      condition += (condition.empty() ? "" : "; and ") + ("__fish_seen_subcommand_from " + word);
    for (const auto& word : command.commands)
      out << fmt::format("complete -c cohort -n '{}' -a {} -d {}\n", condition, word.text, in_quotes(word.help, "\\'"));
    for (const auto& word : command.flags) {
      const bool is_long = word.text.starts_with("--");
      out << fmt::format("complete -c cohort -n '{}' {} {} -d {}\n", condition, is_long ? "-l" : "-s",
                         word.text.substr(is_long ? 2 : 1), in_quotes(word.help, "\\'"));
    }
  }
}

int print_completion(const CLI::App& tool, const std::string& shell) {
  const auto printers = {print_bash, print_zsh, print_fish};
  const auto which = choice("'cohort completion'", shell, {"bash", "zsh", "fish"});
  std::ostringstream script;
  std::data(printers)[which](walk(tool, {}), script);
  write_results(script.str());
  return ok;
}

}  // namespace

void add_completion(CLI::App& tool, Action& action) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = tool.add_subcommand("completion", "Print a completion script for a shell");
  command->add_option("shell", *shell, "The shell")->type_name("bash|zsh|fish")->required();
  command->callback([shell, &tool, &action] { action = [shell, &tool] { return print_completion(tool, *shell); }; });
}

}  // namespace cohort::cli
