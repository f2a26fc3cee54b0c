#pragma once

#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>

#include <cohort/detail/text.hpp>

namespace cohort::cli {

/// What the tool's exit statuses mean; docs/cli.md lists them for users.
enum ExitCode : int {
  ok = 0,
  operation_failed = 1,
  usage = 2,
  config_invalid = 3,
  plugin_refused = 4,
  launch_failed = 20,
  not_executable = 126,
  not_found = 127,
  interrupted = 130,    // 128 + SIGINT
  output_closed = 141,  // 128 + SIGPIPE
};

constexpr std::size_t most_counted_failures = 100;

/// The exit status of `cohort map` for what is not about its jobs. 1 to 101 say how many of them failed, so what the
/// tool's other commands say by 1 to 4 and 20 is said by 111 to 114 and 120. docs/cli.md lists them for users.
constexpr int map_status(int code) {
  switch (code) {
    case operation_failed:
    case usage:
    case config_invalid:
    case plugin_refused:
      return 110 + code;
    case launch_failed:
      return 120;
    default:
      return code;
  }
}

/// A command line that cannot be accepted.
class UsageError : public std::runtime_error {
 public:
  /// Shows what was typed as an excerpt(), as ConfigError does.
  explicit UsageError(const std::string& message) : std::runtime_error(excerpt(message, 64 << 10, true)) {}
};

/// "cohort: message" on standard error, in one write. Any thread.
void print_message(const std::string& message);

/// Prints what the exception says, unless it is that nobody reads any more. @return the exit status that goes with it.
int report(const std::exception_ptr& exception);

}  // namespace cohort::cli
