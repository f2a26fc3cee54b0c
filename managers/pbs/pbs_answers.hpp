#pragma once

#include <map>
#include <string_view>
#include <vector>

#include <cohort/batch/queue_driver.hpp>

namespace cohort_pbs {

/// The ids in what qsub prints: "4711.server", or "4711[].server" for an array, whose jobs are "4711[1].server" and so
/// on. Empty: there is none, or it is no array of so many jobs.
std::vector<cohort::batch::JobId> parse_submitted(std::string_view text, int jobs);

/// What `qstat -f` says of jobs, of OpenPBS, PBS Professional and Torque.
std::map<cohort::batch::JobId, cohort::batch::JobStatus> parse_full(std::string_view text);

}  // namespace cohort_pbs
