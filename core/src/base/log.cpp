#include "base/log.hpp"

#include <unistd.h>

#include <cohort/detail/text.hpp>

namespace cohort {
namespace {
constexpr std::size_t longest_message = 64 << 10;
std::atomic<LogLevel> current_level{LogLevel::warn};
}  // namespace

void set_log_level(LogLevel level) { current_level.store(level, std::memory_order_relaxed); }

void log(LogLevel level, const std::string& message) {
  if (level > current_level.load(std::memory_order_relaxed)) return;
  // Messages quote programs, other hosts and plugins. One write, so that lines of several processes stay whole.
  const std::string line = "cohort: " + excerpt(message, longest_message, true) + "\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace cohort
