#include "slurm_answers.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include <cohort/batch/text_parts.hpp>
#include <cohort/detail/text.hpp>

namespace cohort_slurm {

using namespace std::chrono_literals;
using cohort::batch::JobId;
using cohort::batch::JobState;
using cohort::batch::JobStatus;
using cohort::batch::number;
using cohort::batch::split;
using cohort::batch::trimmed;

namespace {

// What squeue writes for what there is not.
std::string value_or_nothing(std::string_view text) {
  text = trimmed(text);
  for (const std::string_view nothing : {"None", "N/A", "n/a", "(null)"})
    if (text == nothing) return "";
  return std::string(text);
}

std::optional<cohort::batch::Time> time_of(std::string_view text) {
  const auto seconds = number(trimmed(text));
  if (!seconds || *seconds <= 0) return std::nullopt;
  return cohort::batch::Time(std::chrono::seconds(*seconds));
}

// "0:9", code and signal, or the status of wait() as a number.
void set_exit(JobStatus& status, std::string_view text) {
  const auto parts = split(trimmed(text), ':');
  const auto first = number(parts.front());
  if (!first) return;
  const auto second = parts.size() > 1 ? number(parts[1]) : std::nullopt;
  const std::int64_t code = second ? *first : *first >> 8 & 0xff;
  const std::int64_t signal = second ? *second : *first & 0x7f;
  if (signal != 0)
    status.signal = static_cast<int>(signal);
  else
    status.exit_code = static_cast<int>(code);
}

}  // namespace

JobState state_of(std::string_view word) {
  constexpr std::string_view waiting[] = {"PENDING",      "CONFIGURING",  "REQUEUED",     "REQUEUE_FED",
                                          "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD"};
  constexpr std::string_view running[] = {"RUNNING",   "COMPLETING", "RESIZING", "SIGNALING",
                                          "STAGE_OUT", "STOPPED",    "SUSPENDED"};
  constexpr std::string_view failed[] = {"FAILED",    "TIMEOUT",  "NODE_FAIL",     "OUT_OF_MEMORY", "PREEMPTED",
                                         "BOOT_FAIL", "DEADLINE", "LAUNCH_FAILED", "RECONFIG_FAIL"};
  if (std::ranges::find(waiting, word) != std::end(waiting)) return JobState::queued;
  if (std::ranges::find(running, word) != std::end(running)) return JobState::active;
  if (std::ranges::find(failed, word) != std::end(failed)) return JobState::failed;
  if (word == "COMPLETED") return JobState::completed;
  if (word == "CANCELLED" || word == "REVOKED") return JobState::cancelled;
  return JobState::unknown;
}

std::map<JobId, JobStatus> parse_queue(std::string_view text) {
  std::map<JobId, JobStatus> jobs;
  for (const std::string_view line : split(text, '\n')) {
    const auto fields = split(line, '|');
    if (fields.size() < 7 || trimmed(fields[0]).empty()) continue;
    JobStatus status;
    status.word = trimmed(fields[1]);
    status.state = state_of(status.word);
    status.ending = status.word == "COMPLETING";
    if (has_ended(status.state)) set_exit(status, fields[2]);
    status.host = value_or_nothing(fields[3]);
    status.start = time_of(fields[4]);
    status.end = time_of(fields[5]);
    status.reason = value_or_nothing(fields[6]);
    // Only the time tells that this is why it is being ended: it may be queued again.
    if (status.ending && fields.size() > 7 && time_of(fields[7])) status.reason = "Preempted";
    jobs.emplace(trimmed(fields[0]), std::move(status));
  }
  return jobs;
}

std::optional<cohort::Duration> parse_time(std::string_view text) {
  text = trimmed(text);
  const auto dash = text.find('-');
  const auto days = dash == text.npos ? 0 : number(text.substr(0, dash));
  if (!days) return std::nullopt;
  std::vector<std::int64_t> parts;
  for (const std::string_view part : split(dash == text.npos ? text : text.substr(dash + 1), ':')) {
    const auto value = number(part);
    if (!value || *value < 0) return std::nullopt;
    parts.push_back(*value);
  }
  if (parts.size() > 3) return std::nullopt;
  // After days come hours. Without them, what stands last are seconds, but a number alone is minutes.
  if (dash == text.npos && parts.size() == 1) parts = {0, parts[0], 0};
  if (dash == text.npos && parts.size() == 2) parts = {0, parts[0], parts[1]};
  parts.resize(3);
  return std::chrono::hours(24 * *days + parts[0]) + std::chrono::minutes(parts[1]) + std::chrono::seconds(parts[2]);
}

std::string time_text(cohort::Duration duration) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(duration).count();
  const auto two_digits = [](std::int64_t value) { return (value < 10 ? "0" : "") + std::to_string(value); };
  const auto days = seconds / 86400;
  return (days > 0 ? std::to_string(days) + '-' : "") + two_digits(seconds / 3600 % 24) + ':' +
         two_digits(seconds / 60 % 60) + ':' + two_digits(seconds % 60);
}

JobId parse_submitted(std::string_view text) {
  // A site's wrapper may print more before it.
  const auto lines = split(trimmed(text), '\n');
  const auto id = trimmed(split(lines.back(), ';').front());
  return !id.empty() && std::ranges::all_of(id, cohort::detail::is_digit) ? JobId(id) : "";
}

}  // namespace cohort_slurm
