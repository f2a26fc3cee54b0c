#pragma once

#include <string>
#include <vector>

#include "batch/finding.hpp"

namespace cohort::cli {

/// What `cohort doctor -m MANAGER` prints.
struct BatchReport {
  std::string manager;
  std::vector<cohort::batch::Finding> findings;

  /// Workers can be started as jobs.
  bool is_ready() const;
  /// A line for each finding, with what to try below it, and whether all is ready.
  std::string text() const;
  std::string json() const;
};

}  // namespace cohort::cli
