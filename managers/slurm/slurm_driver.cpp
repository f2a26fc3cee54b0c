#include "slurm_driver.hpp"

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "../batch/command.hpp"
#include "../batch/job_script.hpp"
#include "slurm_answers.hpp"

namespace cohort_slurm {

using cohort_batch::Command;
using cohort_batch::CommandError;
using cohort_batch::JobId;
using cohort_batch::JobRequest;
using cohort_batch::JobStatus;
using cohort_batch::shell_word;
using cohort_batch::shell_words;

namespace {

// srun hands its own standard input to all workers, so only the first node needs to see the join file. It is not to end
// the others when one has ended.
constexpr const char* script_template = R"(#!/bin/sh
#SBATCH --job-name={name}
#SBATCH --ntasks={workers}
#SBATCH --output={output}
#SBATCH --partition={partition}
#SBATCH --account={account}
#SBATCH --time={walltime}
{environment}
cd -- {dir} || exit
exec srun --input=all --kill-on-bad-exit=0 --wait=0 {command} <{join_file}
)";

// Within a file name, % begins a pattern.
std::string file_name(const std::string& path) {
  std::string name;
  for (const char c : path) name += c == '%' ? "%%" : std::string(1, c);
  return name;
}

std::string joined(const std::vector<JobId>& jobs) {
  std::string text;
  for (const auto& job : jobs) text += (text.empty() ? "" : ",") + job;
  return text;
}

bool is_about_an_unknown_job(const CommandError& error) {
  return error.printed().find("Invalid job id") != std::string::npos;
}

}  // namespace

SlurmOptions::SlurmOptions(const cohort::Options& options) : flags(options.strings("flags")) {
  if (options.has("partition")) partition = options.string("partition");
  if (options.has("account")) account = options.string("account");
  if (options.has("walltime") && options.duration("walltime") != cohort::never) walltime = options.duration("walltime");
}

const cohort_batch::Dialect& SlurmDriver::dialect() const {
  static const cohort_batch::Dialect dialect{"slurm", "timeout 30 scancel --quiet --name=\"$1\""};
  return dialect;
}

std::string SlurmDriver::script(const JobRequest& request) const {
  const auto environment = cohort_batch::shell_environment(request.environment);
  cohort_batch::TemplateValues values{
      {"name", request.name},
      {"workers", std::to_string(request.workers)},
      {"output", shell_word(file_name(request.output) + "1.out")},
      {"partition", options_.partition},
      {"account", options_.account},
      {"walltime", std::nullopt},
      {"environment", std::nullopt},
      {"dir", std::nullopt},
      {"command", shell_words(marked_task(request.command))},
      {"join_file", shell_word(request.join_file + "1.json")},
  };
  if (options_.walltime) values["walltime"] = time_text(*options_.walltime);
  if (!environment.empty()) values["environment"] = environment.substr(0, environment.size() - 1);
  if (!request.dir.empty()) values["dir"] = shell_word(request.dir);
  return cohort_batch::fill_in(script_template, values);
}

std::vector<std::string> SlurmDriver::submit_command() const {
  std::vector<std::string> words{"sbatch", "--parsable"};
  words.insert(words.end(), options_.flags.begin(), options_.flags.end());
  return words;
}

std::string SlurmDriver::describe(const JobRequest& request) const {
  return shell_words(submit_command()) + " <<'END'\n" + script(request) + "END\n";
}

std::vector<JobId> SlurmDriver::submit(const JobRequest& request) {
  const std::string printed = cohort_batch::run({.words = submit_command(), .input = script(request)});
  JobId id = parse_submitted(printed);
  if (id.empty())
    throw cohort::Error("'sbatch --parsable' is to print the number of a job, and printed: " +
                        cohort::excerpt(printed, 500, true));
  return {std::move(id)};
}

std::map<JobId, JobStatus> SlurmDriver::status(const std::vector<JobId>& jobs) {
  try {
    return parse_queue(
        cohort_batch::run({.words = {"squeue", "--noheader", "--states=all", "--jobs=" + joined(jobs), queue_format},
                           .environment = {{"SLURM_TIME_FORMAT", "%s"}}}));
  } catch (const CommandError& error) {
    if (is_about_an_unknown_job(error)) return {};  // none of them is known any more
    throw;
  }
}

void SlurmDriver::cancel(const std::vector<JobId>& jobs) {
  if (jobs.empty()) return;
  std::vector<std::string> words{"scancel"};
  words.insert(words.end(), jobs.begin(), jobs.end());
  try {
    cohort_batch::run({.words = std::move(words)});
  } catch (const CommandError& error) {
    if (!is_about_an_unknown_job(error)) throw;
  }
}

void SlurmDriver::signal_worker(const JobId& job, std::string_view output, int ospid, int number) {
  auto words = signal_command(output, job, ospid, number);
  if (!words.empty()) cohort_batch::run({.words = std::move(words)});
}

std::optional<cohort::Duration> SlurmDriver::remaining(const JobId& job) {
  return parse_time(cohort_batch::run({.words = {"squeue", "--noheader", "--jobs=" + job, "--format=%L"}}));
}

}  // namespace cohort_slurm
