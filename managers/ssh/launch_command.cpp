#include "launch_command.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>

#include <cohort/error.hpp>

namespace cohort_ssh {
namespace {

// In quotes, and in one line: a line end stands in $nl.
std::string quoted(std::string_view text) {
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

void check_variable(const std::string& name) {
  const auto is_good = [](unsigned char c) { return std::isalnum(c) || c == '_'; };
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name.front())) ||
      !std::all_of(name.begin(), name.end(), is_good))
    throw cohort::ConfigError("env: '" + name + "' is no name of an environment variable");
}

}  // namespace

// No shell expands anything in it: csh takes $ and " in single quotes as they are, and ! does not occur.
const char* const launch_command = "exec /bin/sh -c 'IFS= read -r script; eval \"$script\"'";

std::string shell_word(std::string_view text) {
  const auto is_plain = [](unsigned char c) {
    return std::isalnum(c) || std::string_view("_-+=./:@,%").find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_plain) ? std::string(text) : quoted(text);
}

std::string launch_script(const RemoteProgram& program, std::string_view mark) {
  std::string script = "nl=$(printf '\\nx'); nl=${nl%x}; ";
  script += "set -- ${SSH_CONNECTION:-}; ";  // client, its port, server, its port
  script += "printf '\\n%s %s %s\\n' '" + std::string(mark) + "' \"$$\" \"${3:-}\"; ";
  for (const auto& [name, value] : program.env) {
    check_variable(name);
    script += value ? "export " + name + "=" + quoted(*value) + "; " : "unset " + name + "; ";
  }
  if (!program.dir.empty())
    script += "cd -- " + quoted(program.dir) + " || exit " + std::to_string(no_directory) + "; ";
  else
    script += "cd -- " + quoted(program.usual_dir) + " 2>/dev/null || cd; ";
  script += "exec " + quoted(program.program);
  for (const auto& argument : program.arguments) script += ' ' + quoted(argument);
  if (program.bind_to_server) script += " ${3:+\"--bind-to=$3\"}";
  return script + '\n';
}

std::optional<Launched> parse_launched(std::string_view line, std::string_view mark) {
  if (!line.starts_with(mark)) return std::nullopt;
  std::istringstream rest{std::string(line.substr(mark.size()))};
  Launched launched;
  if (!(rest >> launched.pid) || launched.pid < 2) return std::nullopt;
  rest >> launched.address;
  return launched;
}

}  // namespace cohort_ssh
