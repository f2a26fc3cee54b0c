#include "launch_command.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

namespace cohort_ssh {
namespace {

// In quotes, and in one line: a line end stands in $nl.
std::string shell_quoted(std::string_view text) {
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'')
      word += "'\\''";
    else if (c == '\n')
      word += "'\"$nl\"'";
    else
      word += c;
  }
  return word + "'";
}

}  // namespace

// No shell expands anything in it: csh takes $ and " in single quotes as they are, and ! does not occur.
std::string launch_command(const std::string& shell, const std::string& ready) {
  return "exec " + shell + " -c 'echo; echo " + ready + "; IFS= read -r script; eval \"$script\"'";
}

// Without = and %, which zsh and csh expand, and which make a first word an assignment or a job.
bool is_plain_command(std::string_view text) {
  const auto is_plain = [](char c) {
    return cohort::detail::is_letter_or_digit(c) || std::string_view(" _-+./:,@").find(c) != std::string_view::npos;
  };
  const auto program = text.find_first_not_of(' ');
  return program != text.npos && text[program] != '-' && std::all_of(text.begin(), text.end(), is_plain);
}

bool is_variable_name(std::string_view name) {
  const auto is_good = [](char c) { return cohort::detail::is_letter_or_digit(c) || c == '_'; };
  return !name.empty() && !cohort::detail::is_digit(name.front()) && std::all_of(name.begin(), name.end(), is_good);
}

std::string shell_word(std::string_view text) {
  const auto is_plain = [](char c) {
    return cohort::detail::is_letter_or_digit(c) || std::string_view("_-+=./:@,%").find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_plain) ? std::string(text) : shell_quoted(text);
}

std::string shell_path(std::string_view path, const std::string& home) {
  const bool is_of_home = path == "~" || path.starts_with("~/");
  return is_of_home ? "\"$" + home + '"' + shell_quoted(path.substr(1)) : shell_word(path);
}

std::string launch_script(const RemoteProgram& program, std::string_view mark) {
  std::string script = "nl=$(printf '\\nx'); nl=${nl%x}; home=$HOME; ";  // which env may change
  // The third word of "client, its port, server, its port" becomes $1. zsh does not split what is expanded.
  script += "set -- \"${SSH_CONNECTION:-}\"; set -- \"${1% *}\"; set -- \"${1##* }\"; ";
  script += "printf '\\n%s %s %s\\n' '" + std::string(mark) + "' \"$$\" \"$1\"; ";
  for (const auto& [name, value] : program.env) {
    if (!is_variable_name(name)) throw cohort::ConfigError("env: '" + name + "' is no name of an environment variable");
    script += value ? "export " + name + "=" + shell_quoted(*value) + "; " : "unset " + name + "; ";
  }
  if (!program.libraries.empty())
    script +=
        "export LD_LIBRARY_PATH=" + shell_quoted(program.libraries) + "\"${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\"; ";
  if (!program.dir.empty())
    script += "cd -- " + shell_path(program.dir, "home") + " || exit " + std::to_string(no_directory) + "; ";
  else
    script += "cd -- " + shell_quoted(program.usual_dir) + " 2>/dev/null || cd; ";
  script += "exec " + shell_path(program.program, "home");
  for (const auto& argument : program.arguments) script += ' ' + shell_quoted(argument);
  if (program.bind_to_server) script += " ${1:+\"--bind-to=$1\"}";
  return script + '\n';
}

std::optional<Launched> parse_launched(std::string_view line, std::string_view mark) {
  if (!line.starts_with(mark)) return std::nullopt;
  std::istringstream rest{std::string(line.substr(mark.size()))};
  Launched launched;
  std::string pid;
  rest >> pid;
  std::from_chars(pid.data(), pid.data() + pid.size(), launched.pid);
  if (launched.pid < 2) return std::nullopt;
  rest >> launched.address;
  return launched;
}

}  // namespace cohort_ssh
