#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <iomanip>
#include <locale>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace cohort::batch {

/// A whole number; nullopt: it is none.
inline std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

inline std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// The words between blanks.
inline std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!(text = trimmed(text)).empty()) {
    const auto end = std::min(text.find_first_of(" \t\r\n"), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

/// A local time, as `format` of std::get_time says. nullopt: it is none.
inline std::optional<std::chrono::system_clock::time_point> local_time(std::string_view text, const char* format) {
  std::istringstream stream{std::string(trimmed(text))};
  stream.imbue(std::locale::classic());  // the commands of a scheduler are run in it, too
  std::tm parts{};
  stream >> std::get_time(&parts, format);
  if (stream.fail()) return std::nullopt;
  parts.tm_isdst = -1;
  const std::time_t seconds = std::mktime(&parts);
  if (seconds <= 0) return std::nullopt;
  return std::chrono::system_clock::from_time_t(seconds);
}

/// The parts between each `at`; one at least.
inline std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> split(std::string&& text, char at) = delete;  // the parts would outlive it

/// "12:30:00": hours, minutes and seconds. nullopt: it is none.
inline std::optional<std::chrono::seconds> hours_minutes_seconds(std::string_view text) {
  std::chrono::seconds sum{0};
  const auto parts = split(trimmed(text), ':');
  if (parts.size() != 3) return std::nullopt;
  for (const std::string_view part : parts) {
    const auto value = number(part);
    if (!value || *value < 0) return std::nullopt;
    sum = sum * 60 + std::chrono::seconds(*value);
  }
  return sum;
}

/// "12:30:00". Rounded up to seconds.
inline std::string hours_minutes_seconds(std::chrono::nanoseconds duration) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(duration).count();
  const auto two_digits = [](std::int64_t value) { return (value < 10 ? "0" : "") + std::to_string(value); };
  return two_digits(seconds / 3600) + ':' + two_digits(seconds / 60 % 60) + ':' + two_digits(seconds % 60);
}

/// "1 worker", "3 workers".
inline std::string counted(std::int64_t number, const std::string& what) {
  return std::to_string(number) + ' ' + what + (number == 1 ? "" : "s");
}

/// "12 s", "3 min", "120 h".
inline std::string rough_text(std::chrono::nanoseconds duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  if (seconds < 100) return std::to_string(seconds) + " s";
  if (seconds < 100 * 60) return std::to_string(seconds / 60) + " min";
  return std::to_string(seconds / 3600) + " h";
}

}  // namespace cohort::batch
