#include "text.hpp"

#include <algorithm>

#include <cohort/detail/text.hpp>

namespace cohort::cli {
namespace {

constexpr std::size_t longest_line = 2000, longest_text = 64 * 1024;

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  for (;;) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    result += excerpt(text.substr(0, end), longest_line, true);
    if (end == text.size()) return result;
    text.remove_prefix(end + 1);
    result += '\n';
    if (result.size() > longest_text) return result + "... (" + std::to_string(text.size()) + " bytes more)";
  }
}

std::string any_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); i++)
    text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  return text;
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
  for (const auto& word : words) {
    if (!joined.empty()) joined += ' ';
    joined += shell_quote(word);
  }
  return joined;
}

}  // namespace cohort::cli
