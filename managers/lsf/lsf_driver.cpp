#include "lsf_driver.hpp"

#include <chrono>
#include <cstdint>

#include <cohort/batch/text_parts.hpp>

#include "lsf_answers.hpp"

namespace cohort_lsf {

using cohort::batch::Allocation;
using cohort::batch::JobId;
using cohort::batch::JobRequest;
using cohort::batch::JobStatus;

namespace {

constexpr const char* script_template = R"(#!/bin/sh
#BSUB -J "{job_name}"
#BSUB -o /dev/null
#BSUB -n {workers}
#BSUB -q {partition}
#BSUB -P {account}
#BSUB -W {walltime}
{start}
)";

// LSB_HOSTS has a word for each place of the job; if that were too long, only the file has the same in lines.
constexpr std::string_view on_hosts = R"(  for host in ${LSB_HOSTS:-$(cat "$LSB_DJOB_HOSTFILE")}; do
    start blaunch "$host"
  done)";

}  // namespace

LsfDriver::LsfDriver(const cohort::Options& options)
    : CommandDriver({.name = "lsf",
                     .submit = {"bsub"},
                     .status = {"bjobs"},
                     .cancel = {"bkill"},
                     .cancel_by_name = "timeout 30 {cancel} -J \"$1\" 0",
                     .unknown = {"is not found", "No matching job found", "No unfinished job found",
                                 "Job has already finished", "No job found"},
                     .signal = {"bkill", "-s"},
                     .script = script_template,
                     .workers = {.array_index = "$LSB_JOBINDEX", .on_hosts = on_hosts}},
                    cohort::batch::SubmitOptions(options)) {}

std::optional<Allocation> LsfDriver::allocation() const {
  const std::string job = cohort::batch::variable("LSB_JOBID"), hosts = cohort::batch::variable("LSB_HOSTS");
  const std::string file = cohort::batch::variable("LSB_DJOB_HOSTFILE");
  if (job.empty() || (hosts.empty() && file.empty())) return std::nullopt;
  auto tasks = cohort::batch::lines_of_file(file);
  if (!tasks) tasks = static_cast<std::int64_t>(cohort::batch::words_of(hosts).size());
  return Allocation{job, tasks};
}

void LsfDriver::add_values(cohort::batch::TemplateValues& values, const JobRequest& request) const {
  values["job_name"] = request.jobs == 1 ? request.name : request.name + "[1-" + std::to_string(request.jobs) + ']';
}

std::vector<JobId> LsfDriver::submitted(std::string_view printed, const JobRequest& request) {
  return parse_submitted(printed, request.jobs);
}

// Minutes.
std::string LsfDriver::time_text(cohort::Duration walltime) const {
  return std::to_string(std::chrono::ceil<std::chrono::minutes>(walltime).count());
}

std::map<JobId, JobStatus> LsfDriver::status(const std::vector<JobId>& jobs) {
  std::vector<std::string> arguments{"-a", "-noheader", "-o", queue_format};
  arguments.insert(arguments.end(), jobs.begin(), jobs.end());
  return parse_queue(ask(arguments));
}

std::optional<cohort::Duration> LsfDriver::remaining(const JobId& job) {
  return parse_time_left(ask({"-noheader", "-o", "time_left", job}));
}

}  // namespace cohort_lsf
