#pragma once

#include <unistd.h>

#include <string>

namespace cohort::batch {

/// A message for people on standard error: one line, at once, and not mixed with others. Any thread.
inline void say(const std::string& message) {
  const std::string line = "cohort: " + message + '\n';
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace cohort::batch
