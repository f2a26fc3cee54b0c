#include "lsf_answers.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include <cohort/batch/text_parts.hpp>

namespace cohort_lsf {

using cohort::batch::JobId;
using cohort::batch::JobState;
using cohort::batch::JobStatus;
using cohort::batch::number;
using cohort::batch::split;
using cohort::batch::trimmed;

namespace {

// bjobs writes "-" for what there is not.
std::string value_or_nothing(std::string_view text) {
  text = trimmed(text);
  return text == "-" ? "" : std::string(text);
}

JobState state_of(std::string_view word) {
  constexpr std::string_view waiting[] = {"PEND", "PSUSP", "WAIT", "PROV"};
  // A host that does not answer (UNKWN) may run its jobs nevertheless.
  constexpr std::string_view running[] = {"RUN", "USUSP", "SSUSP", "UNKWN"};
  if (std::ranges::find(waiting, word) != std::end(waiting)) return JobState::queued;
  if (std::ranges::find(running, word) != std::end(running)) return JobState::active;
  if (word == "DONE") return JobState::completed;
  if (word == "EXIT" || word == "ZOMBI") return JobState::failed;
  return JobState::unknown;
}

// A person has ended it: the owner, an administrator, or either of them by force.
bool is_by_a_person(std::string_view reason) {
  for (const std::string_view name : {"TERM_OWNER", "TERM_ADMIN", "TERM_FORCE_OWNER", "TERM_FORCE_ADMIN"})
    if (reason.starts_with(name)) return true;
  return false;
}

JobStatus status_of(const std::vector<std::string_view>& fields) {
  JobStatus status;
  status.word = std::string(trimmed(fields[2]));
  status.state = state_of(status.word);
  status.host = value_or_nothing(fields[4]);
  if (const auto at = status.host.find('*'); at != status.host.npos) status.host.erase(0, at + 1);  // "4*node7"
  const std::string ended = value_or_nothing(fields[5]), waits = value_or_nothing(fields[6]);
  if (status.word == "UNKWN") status.reason = "its host does not answer";
  if (status.word == "ZOMBI") status.reason = "its host did not answer when it was ended";
  if (status.state == JobState::queued) status.reason = waits;
  if (!has_ended(status.state)) return status;
  if (!ended.empty()) status.reason = ended;
  if (is_by_a_person(ended)) status.state = JobState::cancelled;
  if (const auto code = number(trimmed(fields[3])); code && *code > 128)
    status.signal = static_cast<int>(*code - 128);
  else if (code || status.state == JobState::completed)
    status.exit_code = static_cast<int>(code.value_or(0));
  return status;
}

}  // namespace

std::vector<JobId> parse_submitted(std::string_view text, int jobs) {
  constexpr std::string_view mark = "Job <";
  const auto at = text.rfind(mark);
  if (at == text.npos) return {};
  text.remove_prefix(at + mark.size());
  const JobId id(text.substr(0, text.find('>')));
  if (!number(id)) return {};
  if (jobs == 1) return {id};
  std::vector<JobId> ids;
  for (int job = 1; job <= jobs; ++job) ids.push_back(id + '[' + std::to_string(job) + ']');
  return ids;
}

// "4711|3|RUN|-|node7|-|-": no job of an array has the index 0.
std::map<JobId, JobStatus> parse_queue(std::string_view text) {
  std::map<JobId, JobStatus> jobs;
  for (const std::string_view line : split(text, '\n')) {
    const auto fields = split(line, '|');
    if (fields.size() < 7 || !number(trimmed(fields[0]))) continue;
    const auto index = number(trimmed(fields[1]));
    JobId id(trimmed(fields[0]));
    if (index && *index > 0) id += '[' + std::to_string(*index) + ']';
    jobs.emplace(std::move(id), status_of(fields));
  }
  return jobs;
}

std::optional<cohort::Duration> parse_time_left(std::string_view text) {
  const auto words = cohort::batch::words_of(text);
  if (words.empty()) return std::nullopt;
  const auto parts = split(words[0], ':');
  if (parts.size() != 2) return std::nullopt;
  const auto hours = number(parts[0]), minutes = number(parts[1]);
  if (!hours || !minutes || *hours < 0 || *minutes < 0) return std::nullopt;
  return std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
}

}  // namespace cohort_lsf
