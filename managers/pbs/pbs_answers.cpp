#include "pbs_answers.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include <cohort/batch/text_parts.hpp>
#include <cohort/detail/text.hpp>

namespace cohort_pbs {

using cohort::batch::hours_minutes_seconds;
using cohort::batch::JobId;
using cohort::batch::JobState;
using cohort::batch::JobStatus;
using cohort::batch::local_time;
using cohort::batch::number;
using cohort::batch::split;
using cohort::batch::trimmed;

namespace {

using Attributes = std::map<std::string, std::string, std::less<>>;

constexpr std::string_view id_mark = "Job Id:";

bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

// Exit codes below 0 are those of the execution daemon, of which Torque and the others share the first ones only.
std::string reason_of(std::int64_t code, bool is_torque) {
  if (code >= -3) return "could not be started";
  if (code >= -6) return "its host was started again";
  if (is_torque) return code == -10 ? "over its memory limit" : code == -11 ? "over its walltime" : "";
  if (code == -20) return "its first host failed";
  if (code == -24 || code == -25) return "over its number of CPUs";
  if (code == -26 || code == -27) return "over its memory limit";
  if (code == -28) return "over its limit of CPU time";
  if (code == -29) return "over its walltime";
  return "";
}

// "node7/0*4+node8/0*4", "node7/0-3".
std::string first_host(std::string_view exec_host) { return std::string(exec_host.substr(0, exec_host.find('/'))); }

// "Job run at Wed Jun 24 at 15:33 on (n1:ncpus=1) and failed": what is not known without it.
std::string news_of(std::string_view comment) {
  if (!comment.starts_with("Job run at ")) return std::string(comment);
  const auto at = comment.rfind(" and ");
  const std::string_view end = at == comment.npos ? "" : comment.substr(at + 5);
  return end == "finished" || end == "failed" ? "" : std::string(end);
}

// A job is deleted by a person: the comment of OpenPBS says who, "and terminated by ...", and its substate is 91. Of a
// job that a signal has ended, Torque says no more than the signal.
void set_end(JobStatus& status, const Attributes& job) {
  status.word.clear();  // a letter for "finished" says nothing that the state does not
  const auto field = [&](std::string_view name) {
    const auto found = job.find(name);
    return found == job.end() ? std::string_view() : trimmed(found->second);
  };
  const bool is_torque = job.contains("exit_status");
  const auto code = number(field(is_torque ? "exit_status" : "Exit_status"));
  const bool is_deleted = field("substate") == "91" || contains(field("comment"), "terminated by ") ||
                          contains(field("comment"), "deleted");
  status.reason = news_of(field("comment"));
  if (!code) {
    status.state = is_deleted ? JobState::cancelled : JobState::unknown;
    return;
  }
  status.state = *code == 0 ? JobState::completed : is_deleted ? JobState::cancelled : JobState::failed;
  if (*code < 0) {
    if (const auto why = reason_of(*code, is_torque); !why.empty()) status.reason = why;
  } else if (*code > 256 || (*code > 128 && *code < 192)) {
    status.signal = static_cast<int>(*code > 256 ? *code - 256 : *code - 128);
  } else {
    status.exit_code = static_cast<int>(*code);
  }
}

JobStatus status_of(const Attributes& job) {
  JobStatus status;
  const auto field = [&](std::string_view name) {
    const auto found = job.find(name);
    return found == job.end() ? std::string_view() : trimmed(found->second);
  };
  constexpr const char* format = "%a %b %d %H:%M:%S %Y";
  status.word = std::string(field("job_state"));
  if (status.word.size() != 1) return status;
  status.host = first_host(field("exec_host"));
  status.start = local_time(field("stime"), format);
  if (!status.start) status.start = local_time(field("start_time"), format);
  switch (status.word[0]) {
    case 'Q':
    case 'H':
    case 'W':
    case 'T':
    case 'M':
      status.state = JobState::queued;
      status.reason = std::string(field("comment"));
      if (status.reason.empty() && status.word == "H") status.reason = "hold";
      break;
    case 'E':
      status.ending = true;
      [[fallthrough]];
    case 'R':
    case 'S':
    case 'U':
    case 'B':
      status.state = JobState::active;
      if (const auto walltime = hours_minutes_seconds(field("Resource_List.walltime")); walltime && status.start)
        status.end = *status.start + *walltime;
      break;
    case 'C':
    case 'F':
    case 'X':
      status.end = local_time(field("obittime"), format);
      if (!status.end) status.end = local_time(field("comp_time"), format);
      set_end(status, job);
      break;
    default:
      break;
  }
  return status;
}

// "    comment = Not Running", "\tjob_state = R". nullopt: the line goes on with the value before it.
std::optional<std::pair<std::string_view, std::string_view>> attribute(std::string_view line) {
  const auto at = line.find(" = ");
  if (at == line.npos || (!line.starts_with(' ') && !line.starts_with('\t'))) return std::nullopt;
  const auto name = trimmed(line.substr(0, at));
  const auto is_of_name = [](char c) { return cohort::detail::is_letter_or_digit(c) || c == '_' || c == '.'; };
  if (name.empty() || !std::ranges::all_of(name, is_of_name)) return std::nullopt;
  return std::pair(name, line.substr(at + 3));
}

}  // namespace

std::vector<JobId> parse_submitted(std::string_view text, int jobs) {
  // A site's wrapper may print more before it.
  const std::string id(trimmed(split(trimmed(text), '\n').back()));
  if (id.empty() || !cohort::detail::is_digit(id[0]) || contains(id, " ")) return {};
  const auto brackets = id.find("[]");
  if (jobs == 1) return {id};
  if (brackets == id.npos) return {};
  std::vector<JobId> ids;
  for (int job = 1; job <= jobs; ++job)
    ids.push_back(id.substr(0, brackets + 1) + std::to_string(job) + id.substr(brackets + 1));
  return ids;
}

std::map<JobId, JobStatus> parse_full(std::string_view text) {
  std::map<JobId, JobStatus> jobs;
  JobId id;
  Attributes attributes;
  std::string* last = nullptr;
  const auto take = [&] {
    if (!id.empty()) jobs.insert_or_assign(id, status_of(attributes));
    attributes.clear();
    last = nullptr;
  };
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with(id_mark)) {
      take();
      id = std::string(trimmed(line.substr(id_mark.size())));
    } else if (const auto next = attribute(line)) {
      last = &(attributes[std::string(next->first)] = std::string(next->second));
    } else if (last != nullptr && line.starts_with('\t')) {
      *last += line.substr(1);
    }
  }
  take();
  return jobs;
}

}  // namespace cohort_pbs
