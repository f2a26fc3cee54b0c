#include "config/option_table.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <cmath>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "base/text.hpp"
#include "config/units.hpp"

namespace cohort::detail {
namespace {

std::string describe_range(const Option& option) {
  bool low = option.minimum != INT64_MIN, high = option.maximum != INT64_MAX;
  if (low && high && option.minimum == option.maximum) return fmt::format("{}", option.minimum);
  if (low && high) return fmt::format("a whole number from {} to {}", option.minimum, option.maximum);
  if (low) return fmt::format("a whole number of at least {}", option.minimum);
  if (high) return fmt::format("a whole number of at most {}", option.maximum);
  return "a whole number";
}

std::string expectation(const Option& option) {
  switch (option.type) {
    case OptionType::boolean:
      return "true or false";
    case OptionType::integer:
      return describe_range(option);
    case OptionType::number:
      return "a number";
    case OptionType::string:
      return "text";
    case OptionType::choice:
      return fmt::format("one of \"{}\"", fmt::join(choices_of(option), "\", \""));
    case OptionType::duration:
      return option.minimum > 0 ? "a duration longer than 0, like \"30s\"" : "a duration like \"30s\"";
    case OptionType::size:
      return "a size like \"64MiB\"";
    case OptionType::count:
      return describe_range(option) + " or \"auto\"";
    case OptionType::strings:
      return "a list of texts";
    case OptionType::env:
      return "an object of texts";
  }
  throw ConfigError(fmt::format("option '{}' has the unknown type {}", option.name, unsigned(option.type)));
}

/// 4 and 4.0 are the same whole number, as in JSON Schema.
std::optional<std::int64_t> whole_number(const Json& value) {
  if (value.is_number_unsigned()) {
    auto number = value.get<std::uint64_t>();
    return number <= INT64_MAX ? std::optional<std::int64_t>(number) : std::nullopt;
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  auto number = value.get<double>();
  if (std::trunc(number) != number || number < -0x1p63 || number >= 0x1p63) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

/// Checks one value; `none` after an error was added.
class ValueCheck {
 public:
  ValueCheck(const Option& option, const JsonNode& node, const std::string& path, ErrorList& errors)
      : option_(option), node_(node), path_(path), errors_(errors) {}

  std::optional<Json> check() {
    switch (option_.type) {
      case OptionType::boolean:
        return node_.scalar.is_boolean() ? std::optional(node_.scalar) : wrong();
      case OptionType::number:
        return node_.scalar.is_number() ? std::optional(node_.scalar) : wrong();
      case OptionType::string:
        return node_.is_string() ? std::optional(node_.scalar) : wrong();
      case OptionType::integer:
        return integer();
      case OptionType::count:
        return node_.scalar == "auto" ? std::optional(node_.scalar) : integer();
      case OptionType::choice:
        return choice();
      case OptionType::duration:
        return with_unit([this](const std::string& text) {
          if (parse_duration(text).count() < option_.minimum) throw ConfigError("expected " + expectation(option_));
        });
      case OptionType::size:
        return with_unit([](const std::string& text) { parse_size(text); });
      case OptionType::strings:
        return strings();
      case OptionType::env:
        return env();
    }
    return wrong();  // throws: the table is not one of ours
  }

 private:
  std::nullopt_t wrong(const std::string& hint = "") {
    errors_.add(node_.offset, path_, "expected " + expectation(option_) + ", found " + node_.description() + hint);
    return std::nullopt;
  }

  std::optional<Json> integer() {
    auto value = whole_number(node_.scalar);
    if (!value || *value < option_.minimum || *value > option_.maximum) return wrong();
    return Json(*value);
  }

  std::optional<Json> choice() {
    if (!node_.is_string()) return wrong();
    std::vector<std::string> choices = choices_of(option_);
    auto text = node_.scalar.get<std::string>();
    if (std::find(choices.begin(), choices.end(), text) == choices.end()) return wrong(did_you_mean(text, choices));
    return node_.scalar;
  }

  template <class Parse>
  std::optional<Json> with_unit(Parse parse) {
    if (!node_.is_string() && !node_.scalar.is_number()) return wrong();
    try {
      // A bare number cannot pass: the parser asks for its unit.
      parse(node_.is_string() ? node_.scalar.get<std::string>()
                              : node_.scalar.dump(-1, ' ', false, Json::error_handler_t::replace));
    } catch (const ConfigError& error) {
      errors_.add(node_.offset, path_, error.what() + std::string(", found ") + node_.description());
      return std::nullopt;
    }
    return node_.scalar;
  }

  std::optional<Json> strings() {
    if (!node_.is_array()) return wrong();
    Json values = Json::array();
    for (std::size_t i = 0; i < node_.items.size(); ++i) {
      const JsonNode& item = node_.items[i];
      if (item.is_string())
        values.push_back(item.scalar);
      else
        errors_.add(item.offset, fmt::format("{}[{}]", path_, i), "expected text, found " + item.description());
    }
    return values;
  }

  std::optional<Json> env() {
    if (!node_.is_object()) return wrong();
    Json values = Json::object();
    for (const JsonMember& member : node_.members) {
      if (member.key.empty() || member.key.find_first_of(std::string_view("=\0", 2)) != std::string::npos) {
        errors_.add(member.offset, path_,
                    "'" + excerpt(member.key) + "' cannot be the name of an environment variable");
      } else if (!member.value.is_string() && member.value.type != Json::value_t::null) {
        errors_.add(member.value.offset, join_path(path_, excerpt(member.key)),
                    "expected text or null, found " + member.value.description());
      } else {
        values[member.key] = member.value.scalar;
      }
    }
    return values;
  }

  const Option& option_;
  const JsonNode& node_;
  const std::string& path_;
  ErrorList& errors_;
};

std::optional<Json> default_of(const Option& option) {
  if (!option.default_value) return std::nullopt;
  ErrorList errors(option.default_value, fmt::format("default of the option '{}'", option.name));
  std::optional<Json> value = check_value(option, parse_json(option.default_value, errors), "", errors);
  errors.throw_if_any();
  return value;
}

std::vector<std::string> names_of(const ObjectKeys& keys) {
  std::vector<std::string> names;
  for (const Option& option : keys.options) names.push_back(option.name);
  for (const KeySection& section : keys.sections) names.push_back(section.name);
  return names;
}

void check_names(const ObjectKeys& keys, const JsonNode& node, const std::string& path, ErrorList& errors) {
  std::vector<std::string> names = names_of(keys);
  for (const JsonMember& member : node.members) {
    if (member.key.starts_with("x-") || std::find(names.begin(), names.end(), member.key) != names.end()) continue;
    errors.add(member.offset, path, "unknown key '" + excerpt(member.key) + "'" + did_you_mean(member.key, names));
  }
  for (const char* name : keys.required)
    if (!node.find(name)) errors.add(node.offset, path, fmt::format("the key '{}' is missing", name));
}

}  // namespace

std::string join_path(const std::string& path, const std::string& key) { return path.empty() ? key : path + "." + key; }

std::vector<std::string> choices_of(const Option& option) {
  std::vector<std::string> choices;
  std::string_view rest = option.choices ? option.choices : "";
  while (!rest.empty()) {
    std::size_t bar = std::min(rest.find('|'), rest.size());
    choices.emplace_back(rest.substr(0, bar));
    rest.remove_prefix(std::min(bar + 1, rest.size()));
  }
  return choices;
}

std::optional<Json> check_value(const Option& option, const JsonNode& node, const std::string& path,
                                ErrorList& errors) {
  return ValueCheck(option, node, path, errors).check();
}

Json check_object(const ObjectKeys& keys, const JsonNode& node, const std::string& path, ErrorList& errors) {
  Json values = Json::object();
  if (!node.is_object()) {
    errors.add(node.offset, path, "expected an object, found " + node.description());
    return values;
  }
  check_names(keys, node, path, errors);
  for (const Option& option : keys.options) {
    const JsonNode* given = node.find(option.name);
    auto value = given ? check_value(option, *given, join_path(path, option.name), errors) : default_of(option);
    if (value) values[option.name] = std::move(*value);
  }
  return values;
}

}  // namespace cohort::detail
