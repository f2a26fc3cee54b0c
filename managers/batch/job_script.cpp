#include <cohort/batch/job_script.hpp>

#include <algorithm>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

namespace cohort::batch {
namespace {

// The line with its values, or nullopt: it is left out.
// @param where it is, for errors.
std::optional<std::string> fill_in_line(std::string_view line, const TemplateValues& values, const std::string& where) {
  const bool is_directive = line.starts_with('#');
  std::string filled;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] != '{') {
      filled += line[at];
      continue;
    }
    if (line.substr(at).starts_with("{{")) {
      filled += '{';
      ++at;
      continue;
    }
    const auto end = line.find('}', at);
    const auto name = line.substr(at + 1, end == line.npos ? 0 : end - at - 1);
    const auto value = values.find(name);
    if (end == line.npos || value == values.end()) {
      std::string known;
      for (const auto& [other, unused] : values) known += (known.empty() ? "{" : ", {") + other + '}';
      throw cohort::ConfigError(where + ": '" + cohort::excerpt(line) + "': what follows '{' is no value; those are " +
                                known + ", and a brace itself is written as '{{'");
    }
    if (!value->second) return std::nullopt;
    if (is_directive && value->second->find_first_of("\r\n") != std::string::npos)
      throw cohort::ConfigError(where + ": the value of {" + std::string(name) + "} has a line end in it: '" +
                                cohort::excerpt(*value->second) + "'");
    filled += *value->second;
    at = end;
  }
  return filled;
}

bool is_variable_name(std::string_view name) {
  return !name.empty() && !cohort::detail::is_digit(name.front()) &&
         std::ranges::all_of(name, [](char c) { return cohort::detail::is_letter_or_digit(c) || c == '_'; });
}

}  // namespace

std::string shell_word(std::string_view text) {
  const auto is_plain = [](char c) {
    return cohort::detail::is_letter_or_digit(c) || std::string_view("_-+=./:@,%").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::ranges::all_of(text, is_plain)) return std::string(text);
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'')
      word += "'\\''";
    else
      word += c;
  }
  return word + "'";
}

std::string shell_words(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + shell_word(word);
  return text;
}

std::string shell_environment(const std::map<std::string, std::optional<std::string>>& environment) {
  std::string lines;
  for (const auto& [name, value] : environment) {
    if (!is_variable_name(name))
      throw cohort::ConfigError("env: '" + cohort::excerpt(name) + "' is no name of an environment variable");
    lines += value ? "export " + name + '=' + shell_word(*value) + '\n' : "unset " + name + '\n';
  }
  return lines;
}

std::string fill_in(std::string_view text, const TemplateValues& values, const std::string& where) {
  std::string script;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = fill_in_line(text.substr(0, end), values, where + ':' + std::to_string(number));
    if (line) script += *line + '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return script;
}

}  // namespace cohort::batch
