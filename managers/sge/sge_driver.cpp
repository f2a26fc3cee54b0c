#include "sge_driver.hpp"

#include <chrono>
#include <utility>

#include <cohort/batch/text_parts.hpp>
#include <cohort/error.hpp>

#include "../batch/checked_options.hpp"
#include "sge_answers.hpp"

namespace cohort_sge {

using cohort::batch::Allocation;
using cohort::batch::JobId;
using cohort::batch::JobRequest;
using cohort::batch::JobState;
using cohort::batch::JobStatus;
using cohort::detail::MutexLock;

namespace {

constexpr const char* script_template = R"(#!/bin/sh
#$ -S /bin/sh
#$ -N {name}
#$ -o /dev/null
#$ -j y
#$ -t 1-{jobs}
#$ -pe {pe} {workers}
#$ -q {partition}
#$ -P {account}
#$ -l h_rt={walltime}
{start}
)";

// A line of PE_HOSTFILE: host, slots, queue, processors. qrsh starts a task of this job there, under Grid Engine's
// control, and ends with its exit code.
constexpr std::string_view on_hosts = R"(  while read -r host slots rest; do
    while [ "$slots" -gt 0 ]; do
      start qrsh -inherit -nostdin "$host"
      slots=$((slots - 1))
    done
  done <"$PE_HOSTFILE")";

// Of a job of an array, that of the whole array.
std::string job_number(const JobId& job) { return job.substr(0, job.find('.')); }

}  // namespace

SgeDriver::SgeDriver(const cohort::Options& options)
    : CommandDriver({.name = "sge",
                     .submit = {"qsub", "-terse"},
                     .status = {"qstat"},
                     .cancel = {"qdel"},
                     .cancel_by_name = "timeout 30 {cancel} \"$1\"",
                     .unknown = {"does not exist", "do not exist", "is already in deletion", "not found"},
                     .script_is_argument = true,
                     .script = script_template,
                     .workers = {.array_index = "$SGE_TASK_ID", .on_hosts = on_hosts},
                     .jobs = cohort::batch::JobShape::array},
                    cohort::batch::SubmitOptions(options)),
      parallel_environment_(cohort::batch::name_option(options, "pe")) {}

std::optional<Allocation> SgeDriver::allocation() const {
  const std::string job = cohort::batch::variable("JOB_ID"), hosts = cohort::batch::variable("PE_HOSTFILE");
  if (job.empty() || hosts.empty()) return std::nullopt;
  return Allocation{job, cohort::batch::number(cohort::batch::variable("NSLOTS"))};
}

void SgeDriver::add_values(cohort::batch::TemplateValues& values, const JobRequest& request) const {
  if (request.workers > 1 && !parallel_environment_)
    throw cohort::ConfigError(
        "pe: a job of more than one worker needs a parallel environment; `qconf -spl` lists those there are");
  values["pe"] = parallel_environment_;
}

std::vector<JobId> SgeDriver::submitted(std::string_view printed, const JobRequest& request) {
  const MutexLock lock(mutex_);
  names_.insert(request.name);
  return parse_submitted(printed);
}

// Seconds.
std::string SgeDriver::time_text(cohort::Duration walltime) const {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(walltime).count());
}

std::map<JobId, JobStatus> SgeDriver::status(const std::vector<JobId>& jobs) {
  const auto queue = parse_queue(ask({"-g", "d"}));
  std::map<JobId, JobStatus> all;
  std::vector<JobId> gone;
  for (const JobId& job : jobs) {
    const auto found = queue.find(job);
    if (found == queue.end()) {
      gone.push_back(job);
      continue;
    }
    all.emplace(job, found->second);
    const MutexLock lock(mutex_);
    if (found->second.ending) deleted_.insert(job);
  }
  add_reasons(all);
  add_ended(all, gone);
  return all;
}

void SgeDriver::add_reasons(std::map<JobId, JobStatus>& jobs) const {
  std::set<std::string> numbers;
  for (const auto& [job, status] : jobs)
    if (status.state == JobState::queued) numbers.insert(job_number(job));
  if (numbers.empty()) return;
  std::string list;
  for (const auto& number : numbers) list += (list.empty() ? "" : ",") + number;
  const auto reasons = parse_reasons(ask({"-j", list}));
  for (auto& [job, status] : jobs) {
    const auto reason = reasons.find(job_number(job));
    if (status.state == JobState::queued && reason != reasons.end()) status.reason = reason->second;
  }
}

// One command for all jobs: they have the same name.
void SgeDriver::read_accounting() {
  std::set<std::string> names;
  {
    const MutexLock lock(mutex_);
    names = names_;
  }
  for (const auto& name : names) {
    std::map<JobId, JobStatus> records;
    try {
      records = parse_accounting(run_for_those_known({.words = {"qacct", "-j", name}}));
    } catch (const cohort::batch::CommandError&) {
      return;  // this host does not have the accounting
    }
    const MutexLock lock(mutex_);
    for (auto& [job, status] : records) ended_.insert_or_assign(job, std::move(status));
  }
}

// The accounting is written some seconds late, and not every host has it: what it does not say stays unknown.
void SgeDriver::add_ended(std::map<JobId, JobStatus>& jobs, const std::vector<JobId>& gone) {
  bool is_news = false;
  {
    const MutexLock lock(mutex_);
    for (const JobId& job : gone) is_news = is_news || !ended_.contains(job);
  }
  if (is_news) read_accounting();
  const MutexLock lock(mutex_);
  for (const JobId& job : gone) {
    const bool was_deleted = deleted_.contains(job);
    const auto record = ended_.find(job);
    if (record == ended_.end() && !was_deleted) continue;
    JobStatus& status = jobs[job];
    if (record != ended_.end()) status = record->second;
    if (was_deleted && status.state != JobState::completed) {
      status.state = JobState::cancelled;
      status.reason = "deleted";
    }
  }
}

}  // namespace cohort_sge
