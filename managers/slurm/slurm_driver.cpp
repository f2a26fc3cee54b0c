#include "slurm_driver.hpp"

#include <set>
#include <utility>

#include <cohort/batch/command.hpp>
#include <cohort/batch/job_script.hpp>
#include <cohort/batch/text_parts.hpp>
#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "slurm_answers.hpp"
#include "slurm_check.hpp"
#include "slurm_node.hpp"

namespace cohort_slurm {

using cohort::batch::JobId;
using cohort::batch::JobRequest;
using cohort::batch::JobStatus;
using cohort::batch::shell_word;
using cohort::batch::shell_words;

namespace {

// srun hands its own standard input to all workers, so only the first node needs to see the join file. It is not to end
// the others when one has ended.
constexpr const char* script_template = R"(#!/bin/sh
#SBATCH --job-name={name}
#SBATCH --array=1-{jobs}
#SBATCH --ntasks={tasks}
#SBATCH --output={output}
#SBATCH --partition={partition}
#SBATCH --account={account}
#SBATCH --time={walltime}
{environment}
cd -- {dir} || exit
exec srun --input=all --kill-on-bad-exit=0 --wait=0 {command} <{join_file}
)";

// Within a file name, % begins a pattern, and a backslash says that it has none. In quotes, a word is read as it is,
// but for quotes of that kind.
std::string file_word(const std::string& path, const std::string& end) {
  std::string word;
  for (const char c : path) {
    if (c == '\\')
      throw cohort::ConfigError("files: '" + cohort::excerpt(path) +
                                "...' has a backslash in it, with which Slurm makes another name of it: take another "
                                "directory");
    if (c == '%' || c == '"') word += c == '%' ? '%' : '\\';
    word += c;
  }
  word += end;
  return shell_word(path) == path ? word : '"' + word + '"';
}

std::string joined(const std::vector<JobId>& jobs) {
  std::string text;
  for (const auto& job : jobs) text += (text.empty() ? "" : ",") + job;
  return text;
}

}  // namespace

SlurmDriver::SlurmDriver(cohort::batch::SubmitOptions options)
    : CommandDriver({.name = "slurm",
                     .submit = {"sbatch", "--parsable"},
                     .status = {"squeue"},
                     .cancel = {"scancel"},
                     .cancel_by_name = "timeout 30 {cancel} --quiet --name=\"$1\"",
                     .unknown = {"Invalid job id"},
                     .signal = {"scancel", "--signal"},
                     .script = script_template,
                     .needed = {"command", "join_file"}},
                    std::move(options)) {}

void SlurmDriver::add_values(cohort::batch::TemplateValues& values, const JobRequest& request) const {
  const bool is_array = request.jobs > 1;
  const auto environment = cohort::batch::shell_environment(request.environment);
  values["tasks"] = std::to_string(request.workers);
  values["output"] = file_word(request.output, is_array ? "%a.out" : "1.out");
  values["environment"] = std::nullopt;
  values["dir"] = std::nullopt;
  values["command"] = shell_words(marked_task(request.command));
  values["join_file"] =
      is_array ? shell_word(request.join_file) + "$SLURM_ARRAY_TASK_ID.json" : shell_word(request.join_file + "1.json");
  if (!environment.empty()) values["environment"] = environment.substr(0, environment.size() - 1);
  if (!request.dir.empty()) values["dir"] = shell_word(request.dir);
}

std::vector<JobId> SlurmDriver::submitted(std::string_view printed, const JobRequest& request) {
  const JobId id = parse_submitted(printed);
  if (id.empty()) return {};
  if (request.jobs == 1) return {id};
  std::vector<JobId> ids;
  for (int job = 1; job <= request.jobs; ++job) ids.push_back(id + '_' + std::to_string(job));
  return ids;
}

// Of an array, a line for each of its jobs that has begun, and one for the others, all with the id of the array.
std::vector<std::string> SlurmDriver::submissions_named(const std::string& name) const {
  const std::string queue = ask({"--noheader", "--name=" + name, "--format=%F"});
  std::set<std::string> ids;
  for (const auto line : cohort::batch::split(queue, '\n'))
    if (const auto id = cohort::batch::trimmed(line); !id.empty()) ids.emplace(id);
  return {ids.begin(), ids.end()};
}

std::string SlurmDriver::time_text(cohort::Duration walltime) const { return cohort_slurm::time_text(walltime); }

std::map<JobId, JobStatus> SlurmDriver::status(const std::vector<JobId>& jobs) {
  return parse_queue(ask({"--noheader", "--array", "--states=all", "--jobs=" + joined(jobs), queue_format},
                         {{"SLURM_TIME_FORMAT", "%s"}}));
}

std::string SlurmDriver::trouble_of_host(const JobId& job, std::string_view output, int ospid) {
  return trouble_of_node(output, job, ospid);
}

// srun does not know the ids of an array's jobs. Each of those is one worker, so a signal may be for the whole job.
void SlurmDriver::signal_worker(const JobId& job, std::string_view output, int ospid, int number) {
  if (job.find('_') != job.npos) return CommandDriver::signal_worker(job, output, ospid, number);
  auto words = signal_command(output, job, ospid, number);
  if (!words.empty()) cohort::batch::run({.words = std::move(words)});
}

std::optional<cohort::Duration> SlurmDriver::remaining(const JobId& job) {
  return parse_time(ask({"--noheader", "--jobs=" + job, "--format=%L"}));
}

std::vector<cohort::batch::Finding> SlurmDriver::check(const JobRequest& request, cohort::Duration limit) {
  return check_slurm(submit_command(request), script(request), options().walltime, limit);
}

}  // namespace cohort_slurm
