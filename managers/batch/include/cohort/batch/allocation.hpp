#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <cohort/batch/queue_driver.hpp>

namespace cohort::batch {

/// The job of a scheduler in which this process runs.
struct Allocation {
  JobId id;
  std::optional<std::int64_t> tasks = {};  ///< how many processes it has room for
};

/// The value of a variable of the environment; empty: it is not set.
std::string variable(const char* name);
/// How many lines a file has; nullopt: it cannot be read, or is empty.
std::optional<std::int64_t> lines_of_file(const std::string& path);

}  // namespace cohort::batch
