#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <cohort/batch/queue_driver.hpp>
#include <cohort/types.hpp>

namespace cohort_slurm {

/// How squeue is asked, so that parse_queue() understands it.
inline constexpr const char* queue_format =
    "--Format=JobArrayID:|,State:|,exit_code:|,BatchHost:|,StartTime:|,EndTime:|,Reason:|,PreemptTime:|";

/// What squeue says of jobs, with `queue_format` and times as seconds since 1970. Lines that it does not understand are
/// left out.
std::map<cohort::batch::JobId, cohort::batch::JobStatus> parse_queue(std::string_view text);

/// A state of Slurm, as squeue writes it: "OUT_OF_MEMORY".
cohort::batch::JobState state_of(std::string_view word);

/// A time limit, as Slurm writes and reads it: "minutes", "minutes:seconds", "hours:minutes:seconds", "days-hours",
/// "days-hours:minutes", "days-hours:minutes:seconds". nullopt: it is none ("UNLIMITED", "INVALID").
std::optional<cohort::Duration> parse_time(std::string_view text);
/// "2-12:00:00". Rounded up to seconds.
std::string time_text(cohort::Duration duration);

/// The id in what `sbatch --parsable` prints: "4711" or "4711;cluster". Empty: there is none.
cohort::batch::JobId parse_submitted(std::string_view text);

}  // namespace cohort_slurm
