#include "foreman_driver.hpp"

#include <chrono>
#include <utility>

#include <cohort/batch/text_parts.hpp>

using cohort::batch::JobId;
using cohort::batch::JobRequest;
using cohort::batch::JobState;
using cohort::batch::JobStatus;
using cohort::batch::number;
using cohort::batch::split;

namespace {

// {name} stands for a value; a line with a value that is not set is left out. {start} becomes the lines that start the
// workers, and last as long as they.
constexpr const char* job_script = R"(#!/bin/sh
#BSUB -J "{job_name}"
#BSUB -o /dev/null
#BSUB -n {workers}
#BSUB -q {partition}
#BSUB -P {account}
#BSUB -W {walltime}
{start}
)";

// For a job of more than one worker: start() starts one, by a command that runs what follows on a host of the job.
constexpr std::string_view on_hosts = R"(  for host in $LSB_HOSTS; do
    start blaunch "$host"
  done)";

// How the scheduler is asked for jobs. "4711|0|RUN|-|node7|-|-": no job of an array has the index 0.
constexpr const char* format = "jobid jobindex stat exit_code first_host exit_reason pend_reason delimiter='|'";

// A state that the scheduler does not tell is unknown: do not guess.
JobState state_of(std::string_view word) {
  constexpr std::pair<std::string_view, JobState> states[] = {
      {"PEND", JobState::queued},  {"PSUSP", JobState::queued}, {"RUN", JobState::active},
      {"USUSP", JobState::active}, {"SSUSP", JobState::active}, {"DONE", JobState::completed},
      {"EXIT", JobState::failed},
  };
  for (const auto& [name, state] : states)
    if (name == word) return state;
  return JobState::unknown;
}

std::string value(std::string_view field) { return field == "-" ? "" : std::string(field); }

JobStatus status_of(const std::vector<std::string_view>& fields) {
  JobStatus status{.state = state_of(fields[2]), .word = value(fields[2]), .host = value(fields[4])};
  if (!has_ended(status.state)) {
    status.reason = value(fields[6]);
    return status;
  }
  status.reason = value(fields[5]);
  if (status.reason.starts_with("TERM_OWNER")) status.state = JobState::cancelled;
  const int code = static_cast<int>(number(fields[3]).value_or(0));
  if (code > 128)
    status.signal = code - 128;
  else
    status.exit_code = code;
  return status;
}

}  // namespace

ForemanDriver::ForemanDriver(const cohort::Options& options)
    : CommandDriver({.name = "foreman",
                     .submit = {"bsub"},
                     .status = {"bjobs"},
                     .cancel = {"bkill"},
                     .cancel_by_name = "timeout 30 {cancel} -J \"$1\" 0",
                     .unknown = {"is not found", "No matching job found", "Job has already finished", "No job found"},
                     .signal = {"bkill", "-s"},
                     .script = job_script,
                     .workers = {.array_index = "$LSB_JOBINDEX", .on_hosts = on_hosts}},
                    cohort::batch::SubmitOptions(options)) {}

void ForemanDriver::add_values(cohort::batch::TemplateValues& values, const JobRequest& request) const {
  values["job_name"] = request.jobs == 1 ? request.name : request.name + "[1-" + std::to_string(request.jobs) + ']';
}

// "Job <4711> is submitted to queue <normal>." The jobs of an array are 4711[1], 4711[2], and so on.
std::vector<JobId> ForemanDriver::submitted(std::string_view printed, const JobRequest& request) {
  const auto parts = split(printed, '<');
  if (parts.size() < 2) return {};
  const JobId id(split(parts[1], '>')[0]);
  if (request.jobs == 1) return {id};
  std::vector<JobId> ids;
  for (int job = 1; job <= request.jobs; ++job) ids.push_back(id + '[' + std::to_string(job) + ']');
  return ids;
}

// Minutes.
std::string ForemanDriver::time_text(cohort::Duration walltime) const {
  return std::to_string(std::chrono::ceil<std::chrono::minutes>(walltime).count());
}

std::map<JobId, JobStatus> ForemanDriver::status(const std::vector<JobId>& jobs) {
  std::vector<std::string> arguments{"-a", "-noheader", "-o", format};
  arguments.insert(arguments.end(), jobs.begin(), jobs.end());
  const std::string answer = ask(arguments);
  std::map<JobId, JobStatus> all;
  for (const std::string_view line : split(answer, '\n')) {
    const auto fields = split(line, '|');
    if (fields.size() < 7) continue;
    JobId id(fields[0]);
    if (fields[1] != "0") id += '[' + std::string(fields[1]) + ']';
    all.emplace(std::move(id), status_of(fields));
  }
  return all;
}
