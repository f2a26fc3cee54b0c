#pragma once

#include <string>
#include <vector>

namespace cohort::doctor {

enum class Outcome { good, warning, bad, skipped };

/// What was looked at on a host, and what was found.
struct Check {
  std::string name;  ///< "resolve", "host key" …
  Outcome outcome = Outcome::skipped;
  std::string found;  ///< one line
  std::string hint;   ///< what to try; may be empty
};

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
