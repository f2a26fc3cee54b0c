#include "text.hpp"

#include <signal.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace cohort::fake_scheduler {

std::optional<std::vector<int>> parse_range(std::string_view text, std::size_t most) {
  std::vector<int> all;
  for (const std::string_view part : split(text, ',')) {
    const auto colon = part.find(':');
    const auto step = colon == part.npos ? 1 : number(part.substr(colon + 1));
    const auto ends = split(part.substr(0, colon), '-');
    const auto first = number(ends.front()), last = number(ends.back());
    if (ends.size() > 2 || !first || !last || !step || *first < 0 || *last < *first || *step < 1 ||
        *last > 1'000'000'000)
      return std::nullopt;
    for (auto next = *first; next <= *last; next += *step) {
      if (all.size() == most) return std::nullopt;
      all.push_back(static_cast<int>(next));
    }
  }
  return all;
}

std::vector<std::string> shell_split(std::string_view line) {
  std::vector<std::string> words;
  bool within = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); i++) {
    const char c = line[i];
    if (quote == 0 && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
      within = false;
      continue;
    }
    if (!within) words.emplace_back();
    within = true;
    if (quote == 0 && (c == '\'' || c == '"'))
      quote = c;
    else if (c == quote)
      quote = 0;
    else if (c == '\\' && quote != '\'' && i + 1 < line.size())
      words.back() += line[++i];
    else
      words.back() += c;
  }
  return words;
}

std::string date_text(std::chrono::system_clock::time_point time, const char* format) {
  const std::time_t seconds = seconds_of(time);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  std::array<char, 128> text;
  return std::string(text.data(), std::strftime(text.data(), text.size(), format, &parts));
}

int signal_number(std::string_view name) {
  if (const auto value = number(name)) return *value > 0 && *value < NSIG ? static_cast<int>(*value) : 0;
  std::string upper;
  for (const char c : name) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  if (upper.starts_with("SIG")) upper.erase(0, 3);
  for (int number = 1; number < 32; number++) {
    const char* abbreviation = ::sigabbrev_np(number);
    if (abbreviation != nullptr && upper == abbreviation) return number;
  }
  return 0;
}

}  // namespace cohort::fake_scheduler
