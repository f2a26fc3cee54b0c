#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/batch/text_parts.hpp>

namespace cohort::fake_scheduler {

using batch::number;
using batch::split;
using batch::trimmed;

inline std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const auto& word : words) {
    if (&word != &words.front()) text += between;
    text += word;
  }
  return text;
}

/// With blanks before, up to that width.
inline std::string right_aligned(std::string_view text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + std::string(text);
}

/// With blanks behind, up to that width.
inline std::string left_aligned(std::string_view text, std::size_t width) {
  return std::string(text) + std::string(width > text.size() ? width - text.size() : 0, ' ');
}

inline std::string two_digits(std::int64_t value) { return (value < 10 ? "0" : "") + std::to_string(value); }

/// Numbers as "1-3,7" or "1-9:2"; nullopt: it is not such a text, or has more than `most` of them.
std::optional<std::vector<int>> parse_range(std::string_view text, std::size_t most = 10000);

/// The words of a line as a shell parts them, with quotes and backslashes, and without anything else that shells do.
std::vector<std::string> shell_split(std::string_view line);

/// A point in time by a format of strftime(), in local time.
std::string date_text(std::chrono::system_clock::time_point time, const char* format = "%Y-%m-%dT%H:%M:%S");
/// Since 1970.
inline std::int64_t seconds_of(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

/// "SIGUSR1", "USR1" or "10"; 0: there is none of that name.
int signal_number(std::string_view name);

}  // namespace cohort::fake_scheduler
