#pragma once

#include <string>

#include <cohort/cluster_file.hpp>
#include <cohort/types.hpp>

#include "batch_report.hpp"

namespace cohort::cli {

/// Looks whether workers of this manager can be started as jobs. Blocks.
/// @param job also starts one, and lets it dial this host. @param limit for each command of the scheduler, for the job
/// to begin, and for its worker to come.
/// @throws ConfigError: it is no manager of a batch system; InterruptedException: by Ctrl-C, while there is a job.
BatchReport examine_batch_system(const ManagerSpec& manager, bool job, Duration limit);

}  // namespace cohort::cli
