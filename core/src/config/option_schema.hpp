#pragma once

#include <span>
#include <string>

#include <cohort/options.hpp>

#include "config/json_text.hpp"
#include "config/option_table.hpp"

namespace cohort::detail {

/// A draft-07 JSON Schema that accepts the objects that check_object() accepts.
/// @param sections the schema of each section's value, by its name.
Json object_schema(const ObjectKeys& keys, const Json& sections = Json::object());

/// The schema of one plugin's options, as text.
std::string option_schema(std::span<const Option> table);

/// Returns a readable table: one line for each option with name, type, default and help, in columns.
std::string option_help(std::span<const Option> table);

}  // namespace cohort::detail
