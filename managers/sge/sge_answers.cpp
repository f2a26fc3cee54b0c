#include "sge_answers.hpp"

#include <algorithm>
#include <optional>

#include <cohort/batch/text_parts.hpp>
#include <cohort/detail/text.hpp>

namespace cohort_sge {

using cohort::batch::JobId;
using cohort::batch::JobState;
using cohort::batch::JobStatus;
using cohort::batch::local_time;
using cohort::batch::number;
using cohort::batch::split;
using cohort::batch::trimmed;
using cohort::batch::words_of;

namespace {

constexpr std::string_view queue_instance_mark = "queue instance ";

JobId id_of(std::string_view job, std::string_view task) {
  return std::string(job) + (number(task) ? '.' + std::string(task) : "");
}

// The parts of "all.q@node7".
std::string host_of(std::string_view queue) {
  const auto at = queue.find('@');
  return at == queue.npos ? "" : std::string(queue.substr(at + 1));
}

bool has(std::string_view state, char letter) { return state.find(letter) != state.npos; }

// "-l h_rt=3600,h_vmem=2G -pe mpi 4": what follows `name` and '='. Empty: it is not asked for.
std::string_view asked_for(std::string_view category, std::string_view name) {
  for (const std::string_view word : words_of(category))
    for (const std::string_view part : split(word, ','))
      if (part.starts_with(name) && part.substr(name.size()).starts_with('=')) return part.substr(name.size() + 1);
  return {};
}

// A number with a unit, "3.488MB", "2G": the unit as in memory_specifier(5). nullopt: it is none.
std::optional<double> bytes(std::string_view text) {
  std::size_t digits = 0;
  double value = 0, place = 0;
  for (; digits < text.size(); ++digits) {
    if (text[digits] == '.' && place == 0) {
      place = 1;
    } else if (cohort::detail::is_digit(text[digits])) {
      value = value * 10 + (text[digits] - '0');
      place *= 10;
    } else {
      break;
    }
  }
  if (digits == 0) return std::nullopt;
  if (place > 1) value /= place;
  constexpr std::string_view units = "KMGT", small_units = "kmgt";
  if (digits == text.size()) return value;
  for (std::size_t unit = 0; unit < units.size(); ++unit) {
    const double base = text[digits] == small_units[unit] ? 1000 : 1024;
    if (text[digits] != units[unit] && text[digits] != small_units[unit]) continue;
    for (std::size_t power = 0; power <= unit; ++power) value *= base;
  }
  return value;
}

// The record says "assumedly after job" of every job that was killed. What it had asked for may say why.
std::string why_killed(const std::map<std::string_view, std::string_view>& record) {
  const auto field = [&](std::string_view name) {
    const auto found = record.find(name);
    return found == record.end() ? std::string_view() : found->second;
  };
  const std::string_view category = field("category");
  const auto time = asked_for(category, "h_rt");
  std::string_view ran = field("ru_wallclock");
  if (ran.ends_with('s')) ran.remove_suffix(1);
  const auto seconds = number(ran.substr(0, ran.find('.')));
  if (const auto limit = number(time); limit && seconds && *seconds >= *limit)
    return "ran for " + std::to_string(*seconds) + " s, and h_rt is " + std::string(time);
  const auto memory = asked_for(category, "h_vmem");
  const auto most = bytes(field("maxvmem")), memory_limit = bytes(memory);
  if (most && memory_limit && *most >= *memory_limit * 0.95)
    return "had " + std::string(field("maxvmem")) + ", and h_vmem is " + std::string(memory);
  return "";
}

JobStatus status_of(const std::map<std::string_view, std::string_view>& record) {
  JobStatus status;
  const auto field = [&](std::string_view name) {
    const auto found = record.find(name);
    return found == record.end() ? std::string_view() : found->second;
  };
  const auto failed = field("failed");
  const auto code = number(words_of(field("exit_status")).empty() ? "" : words_of(field("exit_status")).front());
  if (!code) return status;
  const bool did_not_fail = failed.empty() || failed == "0";
  status.state = did_not_fail && *code == 0 ? JobState::completed : JobState::failed;
  if (*code > 128)
    status.signal = static_cast<int>(*code - 128);
  else
    status.exit_code = static_cast<int>(*code);
  if (!did_not_fail) status.word = std::string(failed);
  if (status.signal) status.reason = why_killed(record);
  status.host = std::string(field("hostname"));
  constexpr const char* format = "%a %b %d %H:%M:%S %Y";
  status.start = local_time(field("start_time"), format);
  status.end = local_time(field("end_time"), format);
  return status;
}

}  // namespace

std::vector<JobId> parse_submitted(std::string_view text) {
  // A site's wrapper may print more before it.
  const std::string_view line = trimmed(split(trimmed(text), '\n').back());
  const auto dot = line.find('.');
  const std::string job(line.substr(0, dot));
  if (!number(job)) return {};
  if (dot == line.npos) return {job};
  const auto ends = split(line.substr(dot + 1, line.find(':') - dot - 1), '-');
  const auto first = number(ends.front()), last = number(ends.back());
  if (!first || !last || *last < *first || *last - *first > 1000000) return {};
  std::vector<JobId> ids;
  for (auto task = *first; task <= *last; ++task) ids.push_back(job + '.' + std::to_string(task));
  return ids;
}

// "2 0.25000 cohort-012 root r 11/30/2026 14:20:37 all.q@h1 1 3": a job that waits has no queue, and one of no array no
// task.
std::map<JobId, JobStatus> parse_queue(std::string_view text) {
  std::map<JobId, JobStatus> jobs;
  for (const std::string_view line : split(text, '\n')) {
    const auto words = words_of(line);
    if (words.size() < 8 || !number(words[0])) continue;
    const std::string_view state = words[4];
    const bool has_queue = !number(words[7]);
    const std::size_t task = has_queue ? 9 : 8;
    JobStatus status;
    status.word = std::string(state);
    status.state = has(state, 'q') || has(state, 'w') ? JobState::queued : JobState::active;
    status.ending = has(state, 'd');
    if (has_queue && status.state == JobState::active) {
      status.host = host_of(words[7]);
      status.start = local_time(std::string(words[5]) + ' ' + std::string(words[6]), "%m/%d/%Y %H:%M:%S");
    }
    if (has(state, 'h')) status.reason = "hold";
    if (has(state, 'E')) status.reason = "error";
    jobs.emplace(id_of(words[0], words.size() > task ? words[task] : ""), std::move(status));
  }
  return jobs;
}

// Of the lines of "scheduling info:", those about one queue instance each say less than the others.
std::map<std::string, std::string> parse_reasons(std::string_view text) {
  std::map<std::string, std::string> reasons;
  std::string job;
  bool is_scheduling = false;
  for (const std::string_view line : split(text, '\n')) {
    const bool goes_on = line.starts_with(' ');
    const auto colon = line.find(':');
    const std::string_view name = goes_on ? "" : line.substr(0, colon);
    std::string_view value = goes_on ? trimmed(line) : colon == line.npos ? "" : trimmed(line.substr(colon + 1));
    if (name == "job_number") job = std::string(value);
    if (!goes_on) is_scheduling = name == "scheduling info";
    if (job.empty() || value.empty()) continue;
    if (name.starts_with("error reason"))
      reasons[job] = std::string(value);
    else if (is_scheduling && (!reasons.contains(job) || reasons[job].starts_with(queue_instance_mark)))
      reasons[job] = std::string(value);
  }
  return reasons;
}

std::map<JobId, JobStatus> parse_accounting(std::string_view text) {
  std::map<JobId, JobStatus> jobs;
  std::map<std::string_view, std::string_view> record;
  const auto take = [&] {
    if (const auto job = record.find("jobnumber"); job != record.end())
      jobs[id_of(job->second, record["taskid"])] = status_of(record);
    record.clear();
  };
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with("====")) take();
    const auto blank = line.find(' ');
    if (blank != line.npos) record[line.substr(0, blank)] = trimmed(line.substr(blank));
  }
  take();
  return jobs;
}

}  // namespace cohort_sge
