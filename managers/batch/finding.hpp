#pragma once

#include <string>
#include <utility>

namespace cohort::batch {

/// What was looked at before jobs are submitted, and what was found.
struct Finding {
  enum class Outcome {
    good,
    warning,  ///< workers can be started all the same
    bad,
    skipped  ///< something else has to be good first
  };

  std::string name;  ///< one word: "partition"
  Outcome outcome = Outcome::good;
  std::string found = {};
  std::string hint = {};  ///< what to try; empty where nothing is to be done

  static Finding good(std::string name, std::string found) {
    return {std::move(name), Outcome::good, std::move(found)};
  }
  static Finding warning(std::string name, std::string found, std::string hint) {
    return {std::move(name), Outcome::warning, std::move(found), std::move(hint)};
  }
  static Finding bad(std::string name, std::string found, std::string hint) {
    return {std::move(name), Outcome::bad, std::move(found), std::move(hint)};
  }
  static Finding skipped(std::string name, std::string why) {
    return {std::move(name), Outcome::skipped, std::move(why)};
  }
};

}  // namespace cohort::batch
