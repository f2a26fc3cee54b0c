#include <cohort/option_values.hpp>

#include <nlohmann/json.hpp>

#include "config/units.hpp"

namespace cohort {
namespace {

// What is not UTF-8 is refused where the options are used, as any text that is not.
template <class Value>
std::string text_of(const Value& value) {
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

OptionValue::OptionValue(double value) : json_(text_of(value)) {}
OptionValue::OptionValue(const std::string& text) : json_(text_of(text)) {}
OptionValue::OptionValue(const std::vector<std::string>& texts) : json_(text_of(texts)) {}
OptionValue::OptionValue(const OptionValues& object) : json_(object.json()) {}

OptionValue::Json OptionValue::of_duration(Duration length) { return {text_of(detail::format_duration(length))}; }

OptionValues::OptionValues(std::initializer_list<std::pair<std::string, OptionValue>> values) {
  for (const auto& [name, value] : values) json_ += (json_.empty() ? "{" : ", ") + text_of(name) + ": " + value.json();
  json_ += json_.empty() ? "{}" : "}";
}

}  // namespace cohort
