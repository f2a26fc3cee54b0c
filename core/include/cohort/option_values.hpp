#pragma once

#include <cohort/detail/language.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cohort/types.hpp>
#include <cohort/wait_options.hpp>

namespace COHORT_EXPORT cohort {

class OptionValues;

/// The value of one option: true or false, a number, a text, a duration, a list of texts, or an object. @throws
/// ConfigError for what JSON cannot say: a text that is not UTF-8, a negative duration, infinity.
class OptionValue {
 public:
  OptionValue(std::same_as<bool> auto value) : OptionValue(Json{value ? "true" : "false"}) {}
  template <std::integral Integer>
  requires(!std::same_as<Integer, bool> && !std::same_as<Integer, char>) OptionValue(Integer value)
      : OptionValue(Json{std::to_string(value)}) {}
  OptionValue(std::floating_point auto value) : OptionValue(of_number(value)) {}
  OptionValue(std::nullptr_t) = delete;
  OptionValue(const char* text) : OptionValue(std::string(text)) {}
  OptionValue(const std::string& text);
  template <class Rep, class Period>
  OptionValue(std::chrono::duration<Rep, Period> length) : OptionValue(of_duration(detail::nanoseconds_of(length))) {}
  OptionValue(const std::vector<std::string>& texts);
  OptionValue(std::initializer_list<const char*> texts)
      : OptionValue(std::vector<std::string>(texts.begin(), texts.end())) {}
  /// An object of texts, like environment variables: `{"env", OptionValues{{"OMP_NUM_THREADS", "4"}}}`.
  OptionValue(const OptionValues& object);

  /// In the form of JSON.
  const std::string& json() const { return json_; }

 private:
  struct Json {
    std::string text;
  };
  explicit OptionValue(Json json) : json_(std::move(json.text)) {}
  static Json of_duration(Duration length);
  static Json of_number(double number);

  std::string json_;
};

/// An option and its value.
class NamedOptionValue {
 public:
  NamedOptionValue(const char* option, OptionValue its_value) : name(option), value(std::move(its_value)) {}
  NamedOptionValue(const std::same_as<std::string> auto& option, OptionValue its_value)
      : name(option), value(std::move(its_value)) {}

  const std::string name;
  const OptionValue value;
};

/// Options of a manager or a transport by their names: `{{"machines", {"node1", "4*node2"}}, {"tunnel", true}}`; or the
/// same as the text of a JSON object. They are checked where they are used, against the plugin's table.
class OptionValues {
 public:
  OptionValues() : json_("{}") {}
  OptionValues(std::initializer_list<NamedOptionValue> values);
  template <std::convertible_to<std::string_view> Text>
  OptionValues(const Text& json) : json_(std::string_view(json)) {}

  const std::string& json() const { return json_; }

 private:
  std::string json_;
};

}  // namespace cohort
