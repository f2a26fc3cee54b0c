#pragma once

#include <string>

namespace cohort {

/// How many of the requested workers of a launch are enough: "all", a number, or a percentage like "50%".
class MinWorkers {
 public:
  /// @throws ConfigError.
  explicit MinWorkers(std::string text);

  /// Whether it is a number, which does not depend on how many workers are requested.
  bool is_number() const { return !is_percent_; }
  /// Returns how many of `wanted` workers are enough; a number may be larger than `wanted`.
  int of(int wanted) const;
  const std::string& text() const { return text_; }
  /// The texts that the constructor accepts, as a regular expression for the JSON Schema.
  static std::string pattern();

 private:
  std::string text_;
  int number_ = 100;
  bool is_percent_ = true;
};

}  // namespace cohort
