#pragma once

#include "exit_code.hpp"

namespace cohort::cli {

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

}  // namespace cohort::cli
