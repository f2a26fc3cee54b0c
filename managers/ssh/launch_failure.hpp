#pragma once

#include <string>

#include <cohort/error.hpp>

namespace cohort_ssh {

/// Why nothing was started on a machine: the phase, what happened, and what to try.
class LaunchFailure : public cohort::Error {
 public:
  /// @param phase "resolve", "connect", "host key", "auth", "exec", "stage" or "announce".
  LaunchFailure(const std::string& phase, const std::string& cause, const std::string& hint)
      : Error(phase + ": " + cause + (hint.empty() ? "" : "\n    " + hint), cohort::ErrorKind::disconnected) {}
};

}  // namespace cohort_ssh
