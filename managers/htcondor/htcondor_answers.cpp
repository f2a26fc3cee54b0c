#include "htcondor_answers.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include <cohort/batch/text_parts.hpp>
#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>
#include <nlohmann/json.hpp>

namespace cohort_htcondor {

using cohort::batch::JobId;
using cohort::batch::JobState;
using cohort::batch::JobStatus;
using cohort::batch::number;
using cohort::batch::split;
using cohort::batch::trimmed;
using nlohmann::json;

namespace {

std::optional<std::int64_t> integer(const json& job, const char* name) {
  const auto found = job.find(name);
  if (found == job.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

std::string text(const json& job, const char* name) {
  const auto found = job.find(name);
  return found != job.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<cohort::batch::Time> time(const json& job, const char* name) {
  const auto seconds = integer(job, name);
  if (!seconds || *seconds <= 0) return std::nullopt;
  return cohort::batch::Time(std::chrono::seconds(*seconds));
}

// "slot1_3@node7.cluster"
std::string host_of(const std::string& slot) {
  const auto at = slot.find('@');
  return at == slot.npos ? slot : slot.substr(at + 1);
}

void set_exit(JobStatus& status, const json& job) {
  const auto by_signal = job.find("ExitBySignal");
  if (by_signal != job.end() && by_signal->is_boolean() && by_signal->get<bool>()) {
    if (const auto signal = integer(job, "ExitSignal")) status.signal = static_cast<int>(*signal);
  } else if (const auto code = integer(job, "ExitCode")) {
    status.exit_code = static_cast<int>(*code);
  }
}

JobStatus status_of(const json& job) {
  JobStatus status;
  const auto start = time(job, "JobCurrentStartDate");
  status.host = host_of(text(job, "RemoteHost"));
  switch (integer(job, "JobStatus").value_or(0)) {
    case 1:
      status.state = JobState::queued;
      status.word = "Idle";
      return status;
    case 2:
      status.state = JobState::active;
      status.word = "Running";
      break;
    case 3:
      status.word = "Removed";
      status.reason = text(job, "RemoveReason");
      // A person used condor_rm. Otherwise a rule of the site or of the job has removed it.
      status.state = status.reason.starts_with("via condor_rm") ? JobState::cancelled : JobState::failed;
      break;
    case 4:
      status.word = "Completed";
      set_exit(status, job);
      status.state = status.exit_code == 0 ? JobState::completed : JobState::failed;
      break;
    case 5:
      // It does not run again by itself. If it did run, its worker is lost.
      status.state = start ? JobState::failed : JobState::queued;
      status.word = "Held";
      status.reason = text(job, "HoldReason");
      break;
    case 6:
      status.state = JobState::active;
      status.word = "Transferring Output";
      status.ending = true;
      break;
    case 7:
      status.state = JobState::active;
      status.word = "Suspended";
      break;
    default:
      return status;
  }
  if (status.host.empty()) status.host = host_of(text(job, "LastRemoteHost"));
  status.start = start;
  if (has_ended(status.state)) {
    status.end = time(job, "CompletionDate");
  } else if (start) {
    auto limit = integer(job, "AllowedExecuteDuration");
    if (!limit) limit = integer(job, "AllowedJobDuration");
    if (limit) status.end = *start + std::chrono::seconds(*limit);
  }
  return status;
}

}  // namespace

std::vector<JobId> parse_submitted(std::string_view text) {
  // A site's wrapper may print more before it.
  const auto words = cohort::batch::words_of(split(trimmed(text), '\n').back());
  if (words.size() != 3 || words[1] != "-") return {};
  const auto first = split(words[0], '.'), last = split(words[2], '.');
  if (first.size() != 2 || last.size() != 2 || first[0] != last[0]) return {};
  const auto cluster = number(first[0]), from = number(first[1]), to = number(last[1]);
  if (!cluster || !from || !to || *to < *from || *to - *from > 1000000) return {};
  std::vector<JobId> ids;
  for (auto process = *from; process <= *to; ++process)
    ids.push_back(std::string(first[0]) + '.' + std::to_string(process));
  return ids;
}

std::map<JobId, JobStatus> parse_jobs(std::string_view text) {
  std::map<JobId, JobStatus> jobs;
  const json answer = json::parse(text, nullptr, false);
  if (!answer.is_array()) return jobs;
  for (const json& job : answer) {
    if (!job.is_object()) continue;
    const auto cluster = integer(job, "ClusterId"), process = integer(job, "ProcId");
    if (cluster && process) jobs.emplace(std::to_string(*cluster) + '.' + std::to_string(*process), status_of(job));
  }
  return jobs;
}

// Within the double quotes of all arguments, single quotes are around one; each of them doubles to stand for itself. A
// dollar begins a macro.
std::string argument(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\n' || c == '\r')
      throw cohort::ConfigError("a line of a submit description of HTCondor cannot have a line end in it: '" +
                                cohort::excerpt(text) + "'");
    if (c == '\'' || c == '"') quoted += c;
    quoted += c == '$' ? "$(DOLLAR)" : std::string(1, c);
  }
  return quoted + "'";
}

}  // namespace cohort_htcondor
