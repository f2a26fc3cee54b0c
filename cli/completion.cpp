// cohort completion: scripts for shells, made from the commands and flags that there are.

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/core.h>

#include <cohort/detail/text.hpp>

#include "command.hpp"
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

/// The values of a word that is described as "bash|zsh|fish"; none for "NAME|PATH".
std::vector<Word> choices(const std::string& value_name) {
  std::vector<Word> values;
  if (std::any_of(value_name.begin(), value_name.end(), detail::is_upper)) return values;
  std::istringstream names(value_name);
  for (std::string name; std::getline(names, name, '|');) values.push_back({name, ""});
  return values;
}

std::vector<Completions> walk(const Command& command, const std::vector<std::string>& path) {
  Completions here{path, {}, {{"--help", "Print help"}, {"-h", "Print help"}}};
  if (path.empty()) here.flags.push_back({"--version", "Print the version"});
  for (const Flag& flag : command.flags) {
    if (flag.is_word())
      for (auto& value : choices(flag.value_name)) here.commands.push_back(std::move(value));
    else
      for (const auto& name : flag.all_names()) here.flags.push_back({name, flag.help});
  }
  std::vector<Completions> all;
  for (const Command& next : command.commands) {
    here.commands.push_back({next.name, next.help});
    auto longer = path;
    longer.push_back(next.name);
    const auto below = walk(next, longer);
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

int print_completion(const Command& tool, const std::string& shell) {
  const auto printers = {print_bash, print_zsh, print_fish};
  const auto which = choice("'cohort completion'", shell, {"bash", "zsh", "fish"});
  std::ostringstream script;
  std::data(printers)[which](walk(tool, {}), script);
  write_results(script.str());
  return ok;
}

}  // namespace

Command completion_command(const Command& tool) {
  auto shell = std::make_shared<std::string>();
  return {.name = "completion",
          .help = "Print a completion script for a shell",
          .flags = {{"shell", shell.get(), "The shell", "bash|zsh|fish", true}},
          .action = [shell, &tool](const auto&) { return print_completion(tool, *shell); }};
}

}  // namespace cohort::cli
