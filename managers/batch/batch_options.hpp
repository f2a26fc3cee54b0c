#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include <cohort/batch/queue_driver.hpp>
#include <cohort/options.hpp>

namespace cohort::batch {

struct BatchOptions {
  /// @param usual what `jobs` is by default.
  explicit BatchOptions(const cohort::Options& options, JobShape usual = JobShape::one);

  std::optional<std::int64_t> count;
  JobShape jobs;
  cohort::Duration queue;
  std::optional<cohort::Duration> launch;
  std::optional<std::string> listen, tunnel;
  std::filesystem::path files;
  std::map<std::string, std::optional<std::string>> env;
  std::optional<cohort::Duration> walltime, drain;
  bool respawn;
  std::optional<std::int64_t> max;
  cohort::Duration idle;
  bool dry_run;
};

}  // namespace cohort::batch
