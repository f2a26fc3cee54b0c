// condor_q, condor_history, condor_rm, condor_hold, condor_release.

#include <sys/wait.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "../options.hpp"
#include "../remote_tasks.hpp"
#include "../text.hpp"
#include "htcondor.hpp"

namespace cohort::fake_scheduler::htcondor {
namespace {

using Json = nlohmann::ordered_json;

constexpr DashRule job_rules[] = {{"json", 0}, {"attributes"}, {"constraint"}, {"nobatch", 0},  {"name"},
                                  {"limit"},   {"match"},      {"all", 0},     {"allusers", 0}, {"totals", 0},
                                  {"long", 0}, {"reason"},     {"af", 0}};

// Of HTCondor: 1 idle, 2 running, 3 removed, 4 completed, 5 held.
int code_of(const Job& job, const JobStatus& status) {
  switch (status.state) {
    case State::pending:
      return job.held ? 5 : 1;
    case State::running:
    case State::completing:
      return 2;
    case State::completed:
    case State::failed:
      return 4;
    case State::timeout:
    case State::out_of_memory:
      return 5;
    default:
      return 3;
  }
}

Json described(const Job& job, const JobStatus& status) {
  const JobSpec& spec = *job.spec;
  const int code = code_of(job, status);
  Json json = {{"ClusterId", job.part.array},
               {"ProcId", job.part.task},
               {"JobStatus", code},
               {"JobBatchName", spec.name},
               {"Owner", spec.user},
               {"QDate", seconds_of(job.submitted)},
               {"RequestCpus", spec.cpus_per_task},
               {"NumJobStarts", job.restarts + (status.start ? 1 : 0)}};
  if (spec.walltime) json["AllowedExecuteDuration"] = spec.walltime->count() / 1000;
  if (!status.places.empty()) {
    json[has_ended(status.state) ? "LastRemoteHost" : "RemoteHost"] = "slot1_1@" + status.places.front().host;
    json["JobCurrentStartDate"] = seconds_of(*status.start);
  }
  if (code == 4) {
    json["CompletionDate"] = seconds_of(*status.end);
    const bool by_signal = WIFSIGNALED(status.wait_status);
    json["ExitBySignal"] = by_signal;
    if (by_signal)
      json["ExitSignal"] = WTERMSIG(status.wait_status);
    else
      json["ExitCode"] = WEXITSTATUS(status.wait_status);
  }
  if (code == 3)
    json["RemoveReason"] =
        status.state == State::cancelled ? "via condor_rm (by user " + spec.user + ")" : "its host has failed";
  if (status.state == State::timeout)
    json["HoldReason"] = "The job exceeded allowed execute duration of " +
                         std::to_string(spec.walltime.value_or(Milliseconds(0)).count() / 1000) + " seconds";
  if (status.state == State::out_of_memory)
    json["HoldReason"] = "Error from slot1_1@" + status.places.front().host +
                         ": Job has gone over cgroup memory limit of " + std::to_string(spec.memory >> 20) +
                         " megabytes";
  if (code == 5 && status.state == State::pending) json["HoldReason"] = "submitted on hold at user's request";
  return json;
}

std::string table_line(const Job& job, const JobStatus& status) {
  constexpr std::string_view letters = "?IRXCH";
  return right_aligned(id_of(job), 8) + " " + left_aligned(job.spec->user.substr(0, 14), 14) + " " +
         date_text(job.submitted, "%m/%d %H:%M") + "   0+00:00:00 " +
         letters[static_cast<std::size_t>(code_of(job, status))] + "  0    0.0 " + job.spec->name + "\n";
}

}  // namespace

std::string id_of(const Job& job) { return std::to_string(job.part.array) + "." + std::to_string(job.part.task); }

bool is_held(const JobStatus& status) { return status.state == State::timeout || status.state == State::out_of_memory; }

bool is_named(const Job& job, std::string_view text) {
  return text == id_of(job) || text == std::to_string(job.part.array) || text == job.spec->user;
}

bool fits_constraint(const Job& job, std::string_view constraint) {
  const auto equals = constraint.find("==");
  if (equals == constraint.npos) return trimmed(constraint) == "true";
  const auto name = trimmed(constraint.substr(0, equals));
  auto value = trimmed(constraint.substr(equals + 2));
  if (value.size() > 1 && value.starts_with('"') && value.ends_with('"')) value = value.substr(1, value.size() - 2);
  if (name == "JobBatchName") return job.spec->name == value;
  if (name == "Owner") return job.spec->user == value;
  if (name == "ClusterId") return std::to_string(job.part.array) == value;
  return false;
}

Answer condor_q(bool history, const std::vector<std::string>& arguments, const std::vector<JobView>& views) {
  const auto given = read_dashes(arguments, job_rules, true);
  if (!given.unknown.empty()) return {"", "Error: unrecognized argument " + given.unknown + "\n", 1};
  bool as_json = false;
  std::vector<std::string> attributes;
  std::optional<std::string> constraint;
  for (const auto& option : given.options) {
    if (option.name == "json") as_json = true;
    if (option.name == "constraint") constraint = option.value();
    if (option.name == "attributes")
      for (const auto name : split(option.value(), ',')) attributes.emplace_back(trimmed(name));
  }
  Json all = Json::array();
  std::string lines;
  for (const auto& [job, status] : views) {
    // A job that is held is still in the queue.
    if ((has_ended(status.state) && !is_held(status)) != history) continue;
    const auto names_it = [&shown = *job](const std::string& word) { return is_named(shown, word); };
    if (!given.rest.empty() && std::ranges::none_of(given.rest, names_it)) continue;
    if (constraint && !fits_constraint(*job, *constraint)) continue;
    lines += table_line(*job, status);
    Json json = described(*job, status);
    if (!attributes.empty())
      for (auto entry = json.begin(); entry != json.end();)
        entry = std::ranges::find(attributes, entry.key()) == attributes.end() ? json.erase(entry) : std::next(entry);
    all.push_back(std::move(json));
  }
  if (!as_json)
    return {(history ? "" : "\n\n-- Schedd: fake : <127.0.0.1:9618?...\n") +
                (" ID      OWNER            SUBMITTED     RUN_TIME ST PRI SIZE CMD\n" + lines),
            "", 0};
  if (all.empty()) return {history ? "[\n]\n" : "", "", 0};
  return {all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n", "", 0};
}

Answer change(std::string_view command, const std::vector<std::string>& arguments, Scheduler& scheduler) {
  const auto given = read_dashes(arguments, job_rules, true);
  const std::string name(command);
  if (!given.unknown.empty()) return {"", name + ": unrecognized argument " + given.unknown + "\n", 1};
  std::vector<std::string> wanted = given.rest;
  std::optional<std::string> constraint;
  bool all = false;
  for (const auto& option : given.options) {
    if (option.name == "constraint") constraint = option.value();
    if (option.name == "all") all = true;
  }
  if (wanted.empty() && !constraint && !all) return {"", "You did not specify any jobs\n", 1};
  const std::string done = name == "condor_rm" ? "removal" : name == "condor_hold" ? "hold" : "release";
  const auto apply = [&](Job& job) {
    if (is_held(job.status)) {
      JobStatus status = job.status;
      status.state = State::cancelled;
      if (name == "condor_rm") scheduler.set(job, std::move(status));
      return;
    }
    if (name == "condor_rm") scheduler.cancel(job);
    if (name == "condor_hold") scheduler.hold(job);
    if (name == "condor_release") scheduler.release(job);
  };
  Answer answer;
  if (wanted.empty()) wanted.emplace_back();
  for (const auto& word : wanted) {
    bool found = false;
    for (auto& [number_of_job, job] : scheduler.jobs().all()) {
      if (job.vanished || (has_ended(job.status.state) && !is_held(job.status))) continue;
      if (!word.empty() ? !is_named(job, word) : constraint && !fits_constraint(job, *constraint)) continue;
      found = true;
      apply(job);
      if (word.find('.') != word.npos) answer.out += "Job " + word + " marked for " + done + "\n";
    }
    const std::string what = !word.empty()
                                 ? (word.find('.') != word.npos ? "job " + word : "all jobs in cluster " + word)
                             : constraint ? "all jobs matching constraint (" + *constraint + ")"
                                          : "all jobs";
    if (!found) {
      answer.err +=
          word.find('.') != word.npos ? "Job " + word + " not found\n" : "Couldn't find/remove " + what + "\n";
      answer.code = 1;
    } else if (word.find('.') == word.npos) {
      answer.out += (word.empty() ? "J" + ("obs matching constraint " + constraint.value_or("true"))
                                  : "All jobs in cluster " + word) +
                    " have been marked for " + done + "\n";
    }
  }
  return answer;
}

}  // namespace cohort::fake_scheduler::htcondor
