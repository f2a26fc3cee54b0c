#include "base/log.hpp"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <string_view>

#include <cohort/detail/text.hpp>

namespace cohort {
namespace {
constexpr std::size_t longest_message = 64 << 10;
std::atomic<LogLevel> current_level{LogLevel::warn};
std::atomic<bool> never_waits{false};
}  // namespace

void set_log_level(LogLevel level) { current_level.store(level, std::memory_order_relaxed); }

void set_log_never_waits(bool value) { never_waits.store(value, std::memory_order_relaxed); }

void log(LogLevel level, const std::string& message) {
  if (level > current_level.load(std::memory_order_relaxed)) return;
  // Messages quote programs, other hosts and plugins. One write, so that lines of several processes stay whole.
  const std::string line = "cohort: " + excerpt(message, longest_message, true) + "\n";
  if (!never_waits.load(std::memory_order_relaxed)) {
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
    return;
  }
  // A pipe that is writable takes PIPE_BUF bytes at once.
  for (std::string_view rest = line; !rest.empty();) {
    pollfd ready{STDERR_FILENO, POLLOUT, 0};
    if (poll(&ready, 1, 0) <= 0) return;
    const ssize_t written = write(STDERR_FILENO, rest.data(), std::min<std::size_t>(rest.size(), PIPE_BUF));
    if (written <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace cohort
