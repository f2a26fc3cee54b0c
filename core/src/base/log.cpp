#include "base/log.hpp"

#include <unistd.h>

#include <cstdlib>

namespace cohort {
namespace {
std::atomic<LogLevel> current_level{LogLevel::warn};
}

void set_log_level(LogLevel level) { current_level.store(level, std::memory_order_relaxed); }

void log(LogLevel level, const std::string& message) {
  if (level > current_level.load(std::memory_order_relaxed)) return;
  const std::string line = "cohort: " + message + "\n";  // one write, so that lines of several processes stay whole
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace cohort
