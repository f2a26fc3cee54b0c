#pragma once

#include <string>

namespace cohort::cli {

/// "1 worker", "4 workers"
template <class Integer>
std::string plural(Integer count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

}  // namespace cohort::cli
