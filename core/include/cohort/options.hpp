#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/types.hpp>

namespace cohort {

/// What an option's value may be, and how it is spelled in JSON.
enum class OptionType : std::uint32_t {
  boolean,   ///< true or false
  integer,   ///< a whole number
  number,    ///< any number
  string,    ///< text
  choice,    ///< text, one of `choices`
  duration,  ///< text with a unit: "250ms", "30s", "1h30m", or "never"
  size,      ///< text with a unit: "64MiB", "1GB"
  count,     ///< a whole number, or "auto" (the CPUs of the host)
  strings,   ///< a list of texts
  env,       ///< an object of texts; null removes a variable
};

/// One row of an option table. Everything that is said about an option is said here once: parsing, validation, the
/// JSON Schema and the help text come from it. Plain data: it is read from a plugin before the plugin's code runs.
struct Option {
  const char* name;  ///< key, snake_case
  OptionType type;
  const char* default_value;         ///< as it would stand in JSON ("true", "4", "\"5s\"", "[]"); null: none
  const char* help;                  ///< one line, no full stop
  const char* choices;               ///< for `choice`: "none|core|compact"; else null
  std::int64_t minimum = INT64_MIN;  ///< for integer and count; for duration in nanoseconds, 1: longer than 0
  std::int64_t maximum = INT64_MAX;
};

/// The checked values of one option table. Immutable; copies share.
class Options {
 public:
  struct Values;  // JSON values, private to the library

  /// All defaults of `table`.
  static Options defaults(std::span<const Option> table);
  /// @param json an object as text. @throws ConfigError naming the key, the line:column and the nearest valid key.
  /// @param where what the text is called in errors, "options of the manager 'local'".
  static Options parse(std::span<const Option> table, std::string_view json, const std::string& where);

  explicit Options(std::shared_ptr<const Values> values) : values_(std::move(values)) {}

  // Each throws Error when the table has no such option of that type, or the option has no value: a bug of the caller.
  bool boolean(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  std::string string(std::string_view name) const;
  Duration duration(std::string_view name) const;
  std::uint64_t size(std::string_view name) const;                 ///< bytes
  std::optional<std::int64_t> count(std::string_view name) const;  ///< nullopt: "auto"
  std::vector<std::string> strings(std::string_view name) const;
  std::map<std::string, std::optional<std::string>> env(std::string_view name) const;
  /// Whether the user gave a value, or there is a default.
  bool has(std::string_view name) const;
  /// The values as one JSON object.
  std::string to_json() const;

 private:
  std::shared_ptr<const Values> values_;
};

}  // namespace cohort
