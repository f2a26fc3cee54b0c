#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <cohort/options.hpp>

#include "config/error_list.hpp"
#include "config/json_text.hpp"

namespace cohort::detail {

/// A key whose value is an object or a list with a table of its own; the owner of that table checks it.
struct KeySection {
  const char* name;
  const char* help;
};

/// The allowed keys of one JSON object. Keys that start with "x-" are ignored everywhere.
struct ObjectKeys {
  std::span<const Option> options;
  std::span<const KeySection> sections = {};
  std::span<const char* const> required = {};
};

/// Checks one object against its keys, and adds the errors to `errors`.
/// @param path of the object: "" or "managers[0].options".
/// @return the options (not the sections) in the table's order, with defaults; wrong ones are omitted.
/// @throws ConfigError if a default of the table is wrong: a bug of the table.
Json check_object(const ObjectKeys& keys, const JsonNode& node, const std::string& path, ErrorList& errors);

/// Returns the value as it is stored (texts as given), or nullopt if it is wrong.
std::optional<Json> check_value(const Option& option, const JsonNode& node, const std::string& path, ErrorList& errors);

/// "managers[0]" and "count" make "managers[0].count".
std::string join_path(const std::string& path, const std::string& key);

/// The names between the bars of Option::choices.
std::vector<std::string> choices_of(const Option& option);

}  // namespace cohort::detail
