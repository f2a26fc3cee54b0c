#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include <cohort/options.hpp>

namespace cohort_batch {

/// The options of all managers whose workers are jobs.
#define COHORT_BATCH_OPTIONS                                                                                             \
  {"count", cohort::OptionType::integer,                                                                                 \
   nullptr, "number of workers (default: in an allocation as many as it has tasks, else it must be given)",              \
   nullptr, 1,                                                                                                           \
   100000},                                                                                                              \
      {"queue", cohort::OptionType::duration, "\"never\"", "how long a job may wait in the queue", nullptr, 1},          \
      {"launch", cohort::OptionType::duration,                                                                           \
       nullptr,  "how long workers may take to join, from when their job runs (default: the cluster's timeouts.launch)", \
       nullptr,  1},                                                                                                     \
      {"flags", cohort::OptionType::strings, "[]", "more arguments of the command that submits", nullptr},               \
      {"listen", cohort::OptionType::string, nullptr,                                                                    \
       "where to listen for workers, as the cluster's transport takes it: ADDRESS or ADDRESS:PORT (default: all "        \
       "addresses of this host, any port)",                                                                              \
       nullptr},                                                                                                         \
      {"files", cohort::OptionType::string, "\".\"",                                                                     \
       "directory for the join file and the output of jobs, which the nodes see, too; what is written there is "         \
       "removed at the end",                                                                                             \
       nullptr},                                                                                                         \
      {"env", cohort::OptionType::env, "{}", "changes to the environment of the workers; null removes a variable",       \
       nullptr},                                                                                                         \
  {                                                                                                                      \
    "dry_run", cohort::OptionType::boolean, "false", "print the script and the command, and submit nothing", nullptr     \
  }

/// How the workers of a launch are divided into jobs.
enum class JobShape {
  one,   ///< one job of all workers
  each,  ///< one job a worker
  array  ///< one array, of which each task is a worker
};

struct BatchOptions {
  explicit BatchOptions(const cohort::Options& options);

  std::optional<std::int64_t> count;
  cohort::Duration queue;
  std::optional<cohort::Duration> launch;
  std::optional<std::string> listen;
  std::filesystem::path files;
  std::map<std::string, std::optional<std::string>> env;
  bool dry_run;
  JobShape jobs = JobShape::one;
};

}  // namespace cohort_batch
