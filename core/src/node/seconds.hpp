#pragma once

#include <fmt/format.h>

#include <string>

#include <cohort/types.hpp>

namespace cohort {

/// "60 s", "0.5 s", for messages.
inline std::string in_seconds(Duration duration) {
  return fmt::format("{:g} s", std::chrono::duration<double>(duration).count());
}

}  // namespace cohort
