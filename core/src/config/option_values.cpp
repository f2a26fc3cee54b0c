#include <cohort/option_values.hpp>

#include <cmath>

#include <nlohmann/json.hpp>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "base/durations.hpp"
#include "config/units.hpp"

namespace cohort {
namespace {

template <class Value>
std::string text_of(const Value& value) {
  try {
    return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::strict);
  } catch (const nlohmann::json::type_error&) {
    throw ConfigError("the value of an option is not UTF-8: " +
                      nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
}

}  // namespace

OptionValue::OptionValue(const std::string& text) : json_(text_of(text)) {}
OptionValue::OptionValue(const std::vector<std::string>& texts) : json_(text_of(texts)) {}
OptionValue::OptionValue(const OptionValues& object) : json_(object.json()) {
  if (!nlohmann::json::accept(json_)) throw ConfigError("the value of an option is no JSON: " + excerpt(json_));
}

OptionValue::Json OptionValue::of_duration(Duration length) {
  refuse_shorter(length, Duration::zero(), "the value of an option");
  return {text_of(detail::format_duration(length))};
}

OptionValue::Json OptionValue::of_number(double number) {
  if (!std::isfinite(number)) throw ConfigError("the value of an option is not a finite number");
  return {text_of(number)};
}

OptionValues::OptionValues(std::initializer_list<NamedOptionValue> values) {
  for (const auto& [name, value] : values) json_ += (json_.empty() ? "{" : ", ") + text_of(name) + ": " + value.json();
  json_ += json_.empty() ? "{}" : "}";
}

}  // namespace cohort
