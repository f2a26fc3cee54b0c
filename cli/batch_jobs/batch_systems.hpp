#pragma once

#include <memory>
#include <string>

#include <cohort/batch/queue_driver.hpp>

namespace cohort::cli {

/// The driver by which a manager talks to its scheduler, for jobs of these options.
/// @param manager "slurm". @param options_json as in a cluster file. @throws ConfigError: its workers are no jobs, or
/// an option is wrong; PluginError: it is not installed.
std::unique_ptr<cohort::batch::QueueDriver> queue_driver(const std::string& manager,
                                                         const std::string& options_json = "{}");

}  // namespace cohort::cli
