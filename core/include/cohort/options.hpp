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

namespace COHORT_EXPORT cohort {

/// The type of an option's value, and its form in JSON.
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

/// One row of an option table. Parsing, validation, the JSON Schema and the help text all use it. It is plain data,
/// because it is read from a plugin before the plugin's code runs.
struct Option {
  const char* name;  ///< key, snake_case
  OptionType type;
  const char* default_value;         ///< as JSON ("true", "4", "\"5s\"", "[]"); null: none
  const char* help;                  ///< one line, no full stop
  const char* choices;               ///< for `choice`: "none|core|compact"; else null
  std::int64_t minimum = INT64_MIN;  ///< for integer and count; for duration in nanoseconds, 1: longer than 0
  std::int64_t maximum = INT64_MAX;
};

/// The checked values of one option table. Immutable; copies share the values.
class Options {
 public:
  struct COHORT_HIDDEN Values;  // JSON values, private to the library

  /// Returns the defaults of all options of `table`.
  static Options defaults(std::span<const Option> table);
  /// Parses and checks a JSON object. @param where the name of the text in errors, "options of the manager 'local'".
  /// @throws ConfigError with the key, the line:column and the nearest valid key.
  static Options parse(std::span<const Option> table, std::string_view json, const std::string& where);

  explicit Options(std::shared_ptr<const Values> values) : values_(std::move(values)) {}

  // Each throws Error if the table has no such option of that type, or if the option has no value: a bug of the caller.
  bool boolean(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  std::string string(std::string_view name) const;
  Duration duration(std::string_view name) const;
  std::uint64_t size(std::string_view name) const;                 ///< bytes
  std::optional<std::int64_t> count(std::string_view name) const;  ///< nullopt: "auto"
  std::vector<std::string> strings(std::string_view name) const;
  std::map<std::string, std::optional<std::string>> env(std::string_view name) const;
  /// Whether the option has a value: one from the user, or a default.
  bool has(std::string_view name) const;
  /// Returns the values as one JSON object.
  std::string to_json() const;

 private:
  std::shared_ptr<const Values> values_;
};

}  // namespace cohort
