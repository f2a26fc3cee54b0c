#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <string>

#include <cohort/types.hpp>

namespace cohort {

/// "60 s", "0.5 s", for messages.
inline std::string in_seconds(Duration duration) {
  return fmt::format("{:g} s", std::chrono::duration<double>(duration).count());
}

/// Any of which may be `never`.
inline Duration sum(std::initializer_list<Duration> parts) {
  Duration all{};
  for (const Duration part : parts) all = part > never - all ? never : all + part;
  return all;
}

}  // namespace cohort
