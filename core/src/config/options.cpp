#include <cohort/options.hpp>

#include <fmt/core.h>

#include <cohort/error.hpp>

#include "config/option_table.hpp"
#include "config/units.hpp"

namespace cohort {

// Holds copies of the names: a table need not outlive its values.
struct Options::Values {
  std::map<std::string, OptionType, std::less<>> types;
  detail::Json values;

  /// Null where there is no value.
  const detail::Json* find(std::string_view name) const {
    auto value = values.find(name);
    return value == values.end() ? nullptr : &*value;
  }

  const detail::Json& get(std::string_view name, OptionType type) const {
    auto known = types.find(name);
    if (known == types.end() || known->second != type)
      throw Error(fmt::format("there is no option '{}' of the type that was asked for", name));
    if (const detail::Json* value = find(name)) return *value;
    throw Error(fmt::format("the option '{}' was not given and has no default: ask has() first", name));
  }
};

namespace {

std::shared_ptr<const Options::Values> read(std::span<const Option> table, std::string_view json,
                                            const std::string& where) {
  detail::ErrorList errors(json, where);
  detail::JsonNode node = detail::parse_json(json, errors);
  auto read = std::make_shared<Options::Values>();
  for (const Option& option : table) read->types.emplace(option.name, option.type);
  read->values = detail::check_object({table}, node, "", errors);
  errors.throw_if_any();
  return read;
}

}  // namespace

Options Options::defaults(std::span<const Option> table) { return Options(read(table, "{}", "defaults")); }

Options Options::parse(std::span<const Option> table, std::string_view json, const std::string& where) {
  return Options(read(table, json, where));
}

bool Options::boolean(std::string_view name) const { return values_->get(name, OptionType::boolean).get<bool>(); }

std::int64_t Options::integer(std::string_view name) const {
  return values_->get(name, OptionType::integer).get<std::int64_t>();
}

double Options::number(std::string_view name) const { return values_->get(name, OptionType::number).get<double>(); }

std::string Options::string(std::string_view name) const {
  auto known = values_->types.find(name);
  bool is_choice = known != values_->types.end() && known->second == OptionType::choice;
  return values_->get(name, is_choice ? OptionType::choice : OptionType::string).get<std::string>();
}

Duration Options::duration(std::string_view name) const {
  return detail::parse_duration(values_->get(name, OptionType::duration).get<std::string>());
}

std::uint64_t Options::size(std::string_view name) const {
  return detail::parse_size(values_->get(name, OptionType::size).get<std::string>());
}

std::optional<std::int64_t> Options::count(std::string_view name) const {
  const detail::Json& value = values_->get(name, OptionType::count);
  if (value.is_string()) return std::nullopt;
  return value.get<std::int64_t>();
}

std::vector<std::string> Options::strings(std::string_view name) const {
  return values_->get(name, OptionType::strings).get<std::vector<std::string>>();
}

std::map<std::string, std::optional<std::string>> Options::env(std::string_view name) const {
  std::map<std::string, std::optional<std::string>> variables;
  for (const auto& [variable, value] : values_->get(name, OptionType::env).items())
    variables[variable] = value.is_null() ? std::nullopt : std::optional(value.get<std::string>());
  return variables;
}

bool Options::has(std::string_view name) const { return values_->find(name) != nullptr; }

std::string Options::to_json() const {
  return values_->values.dump(-1, ' ', false, detail::Json::error_handler_t::replace);
}

}  // namespace cohort
