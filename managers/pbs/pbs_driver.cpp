#include "pbs_driver.hpp"

#include <cohort/batch/text_parts.hpp>

#include "pbs_answers.hpp"

namespace cohort_pbs {

using cohort::batch::Allocation;
using cohort::batch::JobId;
using cohort::batch::JobRequest;
using cohort::batch::JobStatus;

namespace {

// The name, the array and the output are arguments of qsub, so that a template need not have them, and because Slurm's
// qsub reads them there only.
constexpr const char* script_template = R"(#!/bin/sh
#PBS -S /bin/sh
#PBS -l {resources}
#PBS -l walltime={walltime}
#PBS -q {partition}
#PBS -A {account}
{start}
)";

// pbsdsh starts a process where the job has a place, under the control of PBS, and needs no key as ssh does nor an MPI
// as mpiexec does. It has no standard input, and PBS keeps what its processes print until the job has ended. Where all
// workers are on this host, it is not needed.
constexpr std::string_view on_hosts = R"(  places=$(sort "${PBS_NODEFILE:-/dev/null}" | uniq | wc -l)
  while [ "$number" -lt "$workers" ]; do
    if [ "$places" -gt 1 ]; then start pbsdsh -n "$number" --; else start; fi
  done)";

constexpr std::string_view cancel_by_name =
    R"({ command -v qselect >/dev/null && qselect -N "$1" ||
  qstat -f | awk -v name="$1" '/^Job Id/ { id = $3 } $1 == "Job_Name" && $3 == name { print id }'; } |
  xargs -r timeout 30 {cancel})";

}  // namespace

PbsDriver::PbsDriver(const cohort::Options& options)
    : CommandDriver(
          {.name = "pbs",
           .submit = {"qsub"},
           .status = {"qstat"},
           .cancel = {"qdel"},
           .cancel_by_name = cancel_by_name,
           .unknown = {"Unknown Job", "has finished", "Job has been deleted", "invalid for state of job",
                       "illegally formed job identifier", ""},
           .signal = {"qsig", "-s"},
           .script_is_argument = true,
           .script = script_template,
           .workers = {.array_index = "${PBS_ARRAY_INDEX:-$PBS_ARRAYID}", .on_hosts = on_hosts, .opens_output = true}},
          cohort::batch::SubmitOptions(options)) {}

std::optional<Allocation> PbsDriver::allocation() const {
  const std::string job = cohort::batch::variable("PBS_JOBID"), hosts = cohort::batch::variable("PBS_NODEFILE");
  if (job.empty() || hosts.empty()) return std::nullopt;
  return Allocation{job, cohort::batch::lines_of_file(hosts)};
}

bool PbsDriver::is_torque() const {
  const cohort::detail::MutexLock lock(mutex_);
  if (!is_torque_) {
    std::string version;
    try {
      auto words = table().submit;
      words.push_back("--version");
      version = cohort::batch::run({.words = std::move(words)});
    } catch (const cohort::batch::CommandError& error) {
      version = error.printed();
    }
    is_torque_ = version.find("pbs_version") == std::string::npos && version.find("PBSPro") == std::string::npos;
  }
  return *is_torque_;
}

void PbsDriver::add_values(cohort::batch::TemplateValues& values, const JobRequest& request) const {
  const std::string workers = std::to_string(request.workers);
  values["resources"] = is_torque() ? "nodes=1:ppn=" + workers : "select=" + workers + ":ncpus=1";
}

std::vector<std::string> PbsDriver::submit_words(const JobRequest& request) const {
  std::vector<std::string> words{"-N", request.name, "-j", "oe", "-o", "/dev/null"};
  if (request.jobs > 1) {
    words.push_back(is_torque() ? "-t" : "-J");
    words.push_back("1-" + std::to_string(request.jobs));
  }
  return words;
}

std::vector<JobId> PbsDriver::submitted(std::string_view printed, const JobRequest& request) {
  return parse_submitted(printed, request.jobs);
}

std::string PbsDriver::time_text(cohort::Duration walltime) const {
  return cohort::batch::hours_minutes_seconds(walltime);
}

// OpenPBS tells of jobs that have ended only if it is asked for its history; -x is another thing to Torque, which still
// shows them for a while.
std::map<JobId, JobStatus> PbsDriver::status(const std::vector<JobId>& jobs) {
  std::vector<std::string> arguments{"-f"};
  arguments.insert(arguments.end(), jobs.begin(), jobs.end());
  auto all = parse_full(ask(arguments));
  std::vector<std::string> history{"-x", "-f"};
  for (const JobId& job : jobs)
    if (!all.contains(job)) history.push_back(job);
  if (history.size() > 2 && !is_torque()) all.merge(parse_full(ask(history)));
  return all;
}

}  // namespace cohort_pbs
