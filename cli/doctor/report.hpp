#pragma once

#include <string>
#include <vector>

#include "batch/finding.hpp"

namespace cohort::doctor {

/// What was looked at on a host, "resolve", "host key" …, and what was found, in one line.
using Check = cohort::batch::Finding;
using Outcome = Check::Outcome;

/// The same checks in the same order for every host.
struct HostReport {
  std::string manager;  ///< its id in the cluster file
  std::string machine;  ///< as it is written there
  std::vector<Check> checks;

  /// Workers can be started there.
  bool is_ready() const;
};

/// A table of all, then what is not good, then how many are ready.
std::string as_text(const std::vector<HostReport>& hosts);
std::string as_json(const std::vector<HostReport>& hosts);

}  // namespace cohort::doctor
