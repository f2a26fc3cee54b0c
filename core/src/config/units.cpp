#include "config/units.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

namespace cohort::detail {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
  std::size_t max_digits;  // so few that no text that the pattern matches can overflow
};

// Largest first, each at most once in a text. All of them at their largest make 188 years; 64 bits hold 292.
constexpr Unit duration_units[] = {
    {"d", 86'400'000'000'000, 4},
    {"h", 3'600'000'000'000, 5},
    {"m", 60'000'000'000, 7},
    {"s", 1'000'000'000, 9},
    {"ms", 1'000'000, 12},
    {"us", 1'000, 15},
    {"ns", 1, 18},
};

constexpr Unit size_units[] = {
    {"B", 1, 18},
    {"kB", 1'000, 15},
    {"MB", 1'000'000, 12},
    {"GB", 1'000'000'000, 9},
    {"TB", 1'000'000'000'000, 6},
    {"KiB", std::int64_t{1} << 10, 15},
    {"MiB", std::int64_t{1} << 20, 12},
    {"GiB", std::int64_t{1} << 30, 9},
    {"TiB", std::int64_t{1} << 40, 6},
};

constexpr std::size_t max_decimals = 9;

struct Amount {
  std::string_view digits, decimals, unit;
};

std::string_view take(std::string_view& text, bool (*belongs)(char)) {
  std::size_t length = 0;
  while (length < text.size() && belongs(text[length])) ++length;
  std::string_view taken = text.substr(0, length);
  text.remove_prefix(length);
  return taken;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_unit_letter(char c) { return c != '.' && !is_digit(c); }

/// Takes "1.5h" from the front of `text`. Parts that are not there are empty.
Amount take_amount(std::string_view& text) {
  Amount amount;
  amount.digits = take(text, is_digit);
  if (!amount.digits.empty() && text.size() > 1 && text[0] == '.' && is_digit(text[1])) {
    text.remove_prefix(1);
    amount.decimals = take(text, is_digit);
  }
  amount.unit = take(text, is_unit_letter);
  return amount;
}

/// 9999 for days
std::int64_t largest(const Unit& unit) {
  std::int64_t power = 1;
  for (std::size_t i = 0; i < unit.max_digits; ++i) power *= 10;
  return power - 1;
}

std::int64_t value_of(const Amount& amount, const Unit& unit, const std::string& what) {
  if (amount.digits.size() > unit.max_digits)
    throw ConfigError(fmt::format("{} may have at most {} digits before '{}' ({}{})", what, unit.max_digits, unit.name,
                                  largest(unit), unit.name));
  if (amount.decimals.size() > max_decimals)
    throw ConfigError(fmt::format("{} may have at most {} decimals", what, max_decimals));
  const auto number_of = [](std::string_view digits) {
    std::int64_t number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);  // so few digits fit
    return number;
  };
  double part = static_cast<double>(number_of(amount.decimals));
  for (std::size_t i = 0; i < amount.decimals.size(); ++i) part /= 10;
  const std::int64_t value =
      number_of(amount.digits) * unit.factor + std::llround(part * static_cast<double>(unit.factor));
  return value == 0 && part > 0 ? 1 : value;  // what is more than nothing stays so
}

std::string pattern_of(const Unit& unit) {
  return fmt::format("[0-9]{{1,{}}}(\\.[0-9]{{1,{}}})?{}", unit.max_digits, max_decimals, unit.name);
}

const Unit* find_unit(std::span<const Unit> units, std::string_view name) {
  for (const Unit& unit : units)
    if (unit.name == name) return &unit;
  return nullptr;
}

}  // namespace

Duration parse_duration(std::string_view text) {
  if (text == "never") return never;
  const std::string what = "a duration like \"30s\", \"250ms\", \"1h30m\" or \"never\"";
  std::int64_t total = 0;
  const Unit* previous = nullptr;
  std::string_view rest = text;
  do {
    Amount amount = take_amount(rest);
    if (amount.digits.empty()) throw ConfigError("expected " + what);
    if (amount.unit.empty() && rest.empty())
      throw ConfigError(fmt::format("a duration needs a unit, for example \"{}s\"", text));
    const Unit* unit = find_unit(duration_units, amount.unit);
    if (!unit) throw ConfigError("expected " + what + "; the units are d, h, m, s, ms, us and ns");
    if (previous && previous >= unit) throw ConfigError("expected a duration with its largest unit first, each once");
    previous = unit;
    total += value_of(amount, *unit, "the duration");
  } while (!rest.empty());
  return Duration(total);
}

std::string format_duration(Duration duration) {
  if (duration == never) return "never";
  std::int64_t rest = duration.count();
  if (rest <= 0) return "0s";
  std::string text;
  for (const Unit& unit : duration_units) {
    const std::int64_t count = std::min(rest / unit.factor, largest(unit));
    if (count > 0) text += fmt::format("{}{}", count, unit.name);
    rest -= count * unit.factor;
  }
  return text;
}

std::string duration_pattern(bool or_zero) {
  std::string pattern = std::string("^(never|(?=[0-9])") + (or_zero ? "" : "(?=.*[1-9])");
  for (const Unit& unit : duration_units) pattern += "(" + pattern_of(unit) + ")?";
  return pattern + ")$";
}

std::optional<int> parse_worker_count(const std::string& flag, std::string_view text) {
  if (text == "auto") return std::nullopt;
  int count = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc() || stop != end || count < 0 || text.size() > 6)
    throw ConfigError(fmt::format("{} wants a number of workers or 'auto', not '{}'", flag, excerpt(text)));
  return count;
}

std::uint64_t parse_size(std::string_view text) {
  std::string_view rest = text;
  Amount amount = take_amount(rest);
  if (amount.digits.empty() || !rest.empty()) throw ConfigError("expected a size like \"64MiB\" or \"1GB\"");
  if (amount.unit.empty()) throw ConfigError(fmt::format("a size needs a unit, for example \"{}MiB\"", text));
  const Unit* unit = find_unit(size_units, amount.unit);
  if (!unit)
    throw ConfigError(
        "expected a size like \"64MiB\" or \"1GB\"; the units are B, kB, MB, GB, TB (powers of 1000) and "
        "KiB, MiB, GiB, TiB (powers of 1024)");
  return static_cast<std::uint64_t>(value_of(amount, *unit, "the size"));
}

std::string size_pattern() {
  std::string pattern;
  for (const Unit& unit : size_units) pattern += (pattern.empty() ? "" : "|") + pattern_of(unit);
  return "^(" + pattern + ")$";
}

}  // namespace cohort::detail
