#include "htcondor_driver.hpp"

#include <chrono>
#include <set>

#include <cohort/batch/worker_marks.hpp>
#include <cohort/error.hpp>

#include "htcondor_answers.hpp"

namespace cohort_htcondor {

using cohort::batch::JobId;
using cohort::batch::JobRequest;
using cohort::batch::JobStatus;

namespace {

// The numbers of jobs begin with 1, those of processes with 0. What the worker prints is written at once, for the mark.
constexpr const char* description_template = R"(universe = vanilla
batch_name = {name}
executable = /bin/sh
transfer_executable = false
arguments = "{arguments}"
initialdir = {dir}
job_plus_one = $(Process) + 1
job = $INT(job_plus_one,%d)
input = {join_file}$(job).json
output = {output}$(job).out
error = {output}$(job).out
stream_output = true
stream_error = true
should_transfer_files = IF_NEEDED
when_to_transfer_output = ON_EXIT
accounting_group = {account}
allowed_execute_duration = {walltime}
queue {processes}
)";

// A path as a value, in which a dollar would begin a macro. It has no line end.
std::string path_value(const std::string& path) {
  std::string value;
  for (const char c : path) value += c == '$' ? "$(DOLLAR)" : std::string(1, c);
  return value;
}

}  // namespace

HtcondorDriver::HtcondorDriver(const cohort::Options& options)
    : CommandDriver({.name = "htcondor",
                     .submit = {"condor_submit", "-terse"},
                     .status = {"condor_q"},
                     .cancel = {"condor_rm"},
                     .cancel_by_name = "timeout 30 {cancel} -constraint \"JobBatchName == \\\"$1\\\"\"",
                     .unknown = {"Couldn't find", "not found", "No result found"},
                     .script = description_template,
                     .needed = {"arguments", "join_file"},
                     .jobs = cohort::batch::JobShape::array},
                    cohort::batch::SubmitOptions(options)) {}

void HtcondorDriver::add_values(cohort::batch::TemplateValues& values, const JobRequest& request) const {
  if (request.workers > 1)
    throw cohort::ConfigError("jobs: a job of HTCondor is one worker; take 'array' or 'each', and not 'one'");
  std::string script;
  for (const auto& variable : request.environment) {
    if (variable.second && variable.second->find_first_of("\r\n") != std::string::npos)
      throw cohort::ConfigError("env: the value of " + variable.first +
                                " has a line end in it, which a submit description of HTCondor cannot have");
    std::string line = cohort::batch::shell_environment({variable});
    line.pop_back();
    script += line + "; ";
  }
  // A working directory of the submitting host may not be there on the other.
  if (!request.dir.empty()) script += "cd -- " + cohort::batch::shell_word(request.dir) + " && ";
  script += "exec " + cohort::batch::shell_words(cohort::batch::marked_worker("0", "$(uname -n)", request.command));
  values["arguments"] = argument("-c") + ' ' + argument(script);
  values["dir"] = std::nullopt;
  values["join_file"] = path_value(request.join_file);
  values["output"] = path_value(request.output);
  values["processes"] = std::to_string(request.jobs);
}

std::vector<JobId> HtcondorDriver::submitted(std::string_view printed, const JobRequest&) {
  return parse_submitted(printed);
}

// Seconds.
std::string HtcondorDriver::time_text(cohort::Duration walltime) const {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(walltime).count());
}

// What has left the queue is in the history.
std::map<JobId, JobStatus> HtcondorDriver::status(const std::vector<JobId>& jobs) {
  const auto add_clusters_of = [](std::vector<std::string>& words, const std::vector<JobId>& ids) {
    std::set<std::string> clusters;
    for (const JobId& id : ids) clusters.insert(id.substr(0, id.find('.')));
    words.insert(words.end(), clusters.begin(), clusters.end());
    words.insert(words.end(), {"-json", "-attributes", attributes});
  };
  std::vector<std::string> arguments;
  add_clusters_of(arguments, jobs);
  auto all = parse_jobs(ask(std::move(arguments)));
  std::vector<JobId> gone;
  for (const JobId& job : jobs)
    if (!all.contains(job)) gone.push_back(job);
  if (gone.empty()) return all;
  std::vector<std::string> history{"condor_history"};
  add_clusters_of(history, gone);
  all.merge(parse_jobs(run_for_those_known({.words = std::move(history)})));
  return all;
}

}  // namespace cohort_htcondor
