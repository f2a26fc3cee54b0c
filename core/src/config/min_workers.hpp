#pragma once

#include <string>

namespace cohort {

/// How many of the workers that a launch was to bring are enough: "all", a number, or a percentage like "50%".
class MinWorkers {
 public:
  /// @throws ConfigError.
  explicit MinWorkers(std::string text);

  /// Whether it is a number, which does not depend on how many are wanted.
  bool is_number() const { return !is_percent_; }
  /// Of `wanted` workers; a number may be more than these.
  int of(int wanted) const;
  const std::string& text() const { return text_; }
  /// What the constructor takes, as a regular expression for the JSON Schema.
  static std::string pattern();

 private:
  std::string text_;
  int number_ = 100;
  bool is_percent_ = true;
};

}  // namespace cohort
