#include "flag_values.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/core.h>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "base/text.hpp"
#include "config/units.hpp"
#include "exit_code.hpp"
#include "text.hpp"

namespace cohort::cli {

int whole_number(const std::string& flag, const std::string& text, int minimum, int maximum) {
  int number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && stop == end && number >= minimum && number <= maximum) return number;
  throw UsageError(
      fmt::format("{} wants a whole number from {} to {}, not '{}'", flag, minimum, maximum, excerpt(text)));
}

Duration duration(const std::string& flag, const std::string& text) {
  try {
    const Duration duration = detail::parse_duration(text);
    if (duration == Duration::zero()) throw ConfigError("expected a duration longer than 0");
    return duration;
  } catch (const ConfigError& error) {
    throw UsageError(fmt::format("{}: {}, not '{}'", flag, error.what(), excerpt(text)));
  }
}

std::size_t choice(const std::string& flag, const std::string& text, const std::vector<std::string>& names) {
  const auto found = std::find(names.begin(), names.end(), text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  throw UsageError(
      fmt::format("{} wants {}, not '{}'{}", flag, any_of(names), excerpt(text), detail::did_you_mean(text, names)));
}

}  // namespace cohort::cli
