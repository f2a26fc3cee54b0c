#pragma once

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include <cohort/batch/queue_driver.hpp>
#include <cohort/types.hpp>

namespace cohort_lsf {

/// How bjobs is asked, so that parse_queue() understands it.
inline constexpr const char* queue_format =
    "jobid jobindex stat exit_code first_host exit_reason pend_reason delimiter='|'";

/// The ids in what bsub prints, "Job <4711> is submitted to queue <normal>."; the jobs of an array are "4711[1]" and so
/// on. Empty: there is none.
std::vector<cohort::batch::JobId> parse_submitted(std::string_view text, int jobs);

/// What bjobs says of jobs, with `queue_format`.
std::map<cohort::batch::JobId, cohort::batch::JobStatus> parse_queue(std::string_view text);

/// The field time_left of bjobs: hours and minutes, and a letter for how it is known. nullopt: there is no limit.
std::optional<cohort::Duration> parse_time_left(std::string_view text);

}  // namespace cohort_lsf
