#pragma once

// What `cohort doctor` prints of a finding, for whatever manager.

#include <nlohmann/json.hpp>

#include "batch/finding.hpp"

namespace cohort::cli {

/// "BAD" is to be seen among the others.
inline const char* word_for(cohort::batch::Finding::Outcome outcome) {
  using Outcome = cohort::batch::Finding::Outcome;
  switch (outcome) {
    case Outcome::good:
      return "ok";
    case Outcome::warning:
      return "warning";
    case Outcome::bad:
      return "BAD";
    case Outcome::skipped:
      break;
  }
  return "-";
}

inline nlohmann::ordered_json json_of(const cohort::batch::Finding& finding) {
  using Outcome = cohort::batch::Finding::Outcome;
  const char* outcome = finding.outcome == Outcome::bad       ? "bad"
                        : finding.outcome == Outcome::skipped ? "skipped"
                                                              : word_for(finding.outcome);
  return {{"name", finding.name}, {"outcome", outcome}, {"found", finding.found}, {"hint", finding.hint}};
}

}  // namespace cohort::cli
