#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <string>

#include <cohort/error.hpp>
#include <cohort/types.hpp>

namespace cohort {

/// "60 s", "0.001 s", "never", for messages.
inline std::string in_seconds(Duration duration) {
  return duration == never ? "never" : fmt::format("{:g} s", std::chrono::duration<double>(duration).count());
}

/// Adds durations. Each may be `never`; none may be negative.
inline Duration sum(std::initializer_list<Duration> parts) {
  Duration all{};
  for (const Duration part : parts) all = part > never - all ? never : all + part;
  return all;
}

/// Checks a duration from a program, so that a value that makes no sense is refused at once and not found later.
/// @param what its name, "timeouts.launch". @param least 1 ns if 0 makes no sense, else 0.
/// @throws ConfigError.
inline void refuse_shorter(Duration given, Duration least, const std::string& what) {
  if (given >= least) return;
  throw ConfigError(what + ": expected a duration " + (least > Duration::zero() ? "longer than 0" : "of 0 or more") +
                    ", found " + in_seconds(given));
}

}  // namespace cohort
