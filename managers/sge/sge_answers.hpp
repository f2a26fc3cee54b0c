#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/batch/queue_driver.hpp>

namespace cohort_sge {

/// The ids in what `qsub -terse` prints: "4711", or "4711.1-8:1" for an array, whose jobs are "4711.1" to "4711.8".
std::vector<cohort::batch::JobId> parse_submitted(std::string_view text);

/// What `qstat -g d` says of jobs: those that wait, run, or are being ended.
std::map<cohort::batch::JobId, cohort::batch::JobStatus> parse_queue(std::string_view text);

/// What `qstat -j` says of why jobs wait, by the number of the job, which all jobs of an array share.
std::map<std::string, std::string> parse_reasons(std::string_view text);

/// What `qacct -j` says of jobs that have ended. Of several records of a job the last one counts: it is that of the job
/// itself, after those of its tasks on other hosts.
std::map<cohort::batch::JobId, cohort::batch::JobStatus> parse_accounting(std::string_view text);

}  // namespace cohort_sge
