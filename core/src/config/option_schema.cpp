#include "config/option_schema.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "config/units.hpp"

namespace cohort::detail {
namespace {

Json value_schema(const Option& option) {
  const Json text = {{"type", "string"}};
  // The bounds stand there even where the table has none: beyond them a number is no 64 bit integer.
  const Json integer = {{"type", "integer"}, {"minimum", option.minimum}, {"maximum", option.maximum}};
  switch (option.type) {
    case OptionType::boolean:
      return {{"type", "boolean"}};
    case OptionType::integer:
      return integer;
    case OptionType::number:
      return {{"type", "number"}};
    case OptionType::string:
      return text;
    case OptionType::choice:
      return {{"enum", choices_of(option)}};
    case OptionType::duration:
      return {{"type", "string"}, {"pattern", duration_pattern(option.minimum <= 0)}};
    case OptionType::size:
      return {{"type", "string"}, {"pattern", size_pattern()}};
    case OptionType::count:
      return {{"anyOf", Json::array({integer, Json{{"const", "auto"}}})}};
    case OptionType::strings:
      return {{"type", "array"}, {"items", text}};
    case OptionType::env:
      return {{"type", "object"},
              {"propertyNames", {{"pattern", "^[^=\\u0000]+$"}}},
              {"additionalProperties", {{"type", Json::array({"string", "null"})}}}};
  }
  return false;
}

std::string type_name(const Option& option) {
  switch (option.type) {
    case OptionType::boolean:
      return "true|false";
    case OptionType::integer:
      return "integer";
    case OptionType::number:
      return "number";
    case OptionType::string:
      return "text";
    case OptionType::choice:
      return option.choices ? option.choices : "";
    case OptionType::duration:
      return "duration";
    case OptionType::size:
      return "size";
    case OptionType::count:
      return "integer|auto";
    case OptionType::strings:
      return "list of texts";
    case OptionType::env:
      return "variables";
  }
  return "?";
}

}  // namespace

Json object_schema(const ObjectKeys& keys, const Json& sections) {
  Json properties = Json::object();
  for (const Option& option : keys.options) {
    Json schema = value_schema(option);
    schema["description"] = option.help;
    if (option.default_value) schema["default"] = Json::parse(option.default_value);
    properties[option.name] = std::move(schema);
  }
  for (const KeySection& section : keys.sections) {
    Json schema = sections.value(section.name, Json::object());
    schema["description"] = section.help;
    properties[section.name] = std::move(schema);
  }
  Json schema = {{"type", "object"}, {"properties", std::move(properties)}};
  if (!keys.required.empty()) schema["required"] = std::vector<std::string>(keys.required.begin(), keys.required.end());
  schema["patternProperties"] = {{"^x-", Json::object()}};
  schema["additionalProperties"] = false;
  return schema;
}

std::string option_schema(std::span<const Option> table) {
  Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"}};
  schema.update(object_schema({table}));
  return schema.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string option_help(std::span<const Option> table) {
  std::size_t name_width = 4, type_width = 4, default_width = 7;
  for (const Option& option : table) {
    name_width = std::max(name_width, std::string_view(option.name).size());
    type_width = std::max(type_width, type_name(option).size());
    if (option.default_value) default_width = std::max(default_width, std::string_view(option.default_value).size());
  }
  auto row = [&](std::string_view name, std::string_view type, std::string_view value, std::string_view help) {
    return fmt::format("{:<{}}  {:<{}}  {:<{}}  {}\n", name, name_width, type, type_width, value, default_width, help);
  };
  std::string text = row("NAME", "TYPE", "DEFAULT", "MEANING");
  for (const Option& option : table)
    text += row(option.name, type_name(option), option.default_value ? option.default_value : "-", option.help);
  return text;
}

}  // namespace cohort::detail
