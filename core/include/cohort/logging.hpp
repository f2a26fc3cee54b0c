#pragma once

#include <cstdint>

#include <cohort/detail/export.hpp>

namespace COHORT_EXPORT cohort {

/// Messages of this level and of those before it are printed.
enum class LogLevel : std::uint8_t { error, warn, info, debug };
/// Which output of workers the master prints.
enum class ForwardMode : std::uint8_t { all, only_stderr, none };
/// What each line of it begins with: the worker's id, or nothing. In a cluster file `brief` is "short".
enum class ForwardPrefix : std::uint8_t { brief, none };

/// What is printed of a cluster: the key `logging` of a cluster file.
struct Logging {
  LogLevel level = LogLevel::info;
  ForwardMode forward = ForwardMode::all;
  ForwardPrefix prefix = ForwardPrefix::brief;
};

}  // namespace cohort
