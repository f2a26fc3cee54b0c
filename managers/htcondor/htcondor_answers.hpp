#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/batch/queue_driver.hpp>

namespace cohort_htcondor {

/// The attributes of a job for which the commands are asked, so that parse_jobs() understands the answer.
inline constexpr const char* attributes =
    "ClusterId,ProcId,JobStatus,ExitCode,ExitBySignal,ExitSignal,HoldReason,RemoveReason,RemoteHost,LastRemoteHost,"
    "JobCurrentStartDate,CompletionDate,AllowedExecuteDuration,AllowedJobDuration";

/// The ids in what `condor_submit -terse` prints: "4711.0 - 4711.7".
std::vector<cohort::batch::JobId> parse_submitted(std::string_view text);

/// What `condor_q -json` or `condor_history -json` says of jobs. Empty where it is no such answer.
std::map<cohort::batch::JobId, cohort::batch::JobStatus> parse_jobs(std::string_view text);

/// A text as one argument in the new syntax of a submit description, in which it then stands for itself.
/// @throws ConfigError for a line end.
std::string argument(std::string_view text);

}  // namespace cohort_htcondor
