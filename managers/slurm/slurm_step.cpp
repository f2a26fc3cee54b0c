#include "slurm_step.hpp"

#include <cohort/batch/command.hpp>
#include <cohort/batch/job_script.hpp>
#include <cohort/batch/text_parts.hpp>

#include "slurm_answers.hpp"
#include "slurm_node.hpp"

namespace cohort_slurm {

using cohort::batch::Allocation;
using cohort::batch::JobId;
using cohort::batch::JobRequest;
using cohort::batch::number;
using cohort::batch::variable;

std::optional<Allocation> SlurmStep::current() {
  JobId id = variable("SLURM_JOB_ID");
  if (id.empty()) return std::nullopt;
  const auto count = number(variable("SLURM_NTASKS"));
  return Allocation{std::move(id), count && *count > 0 ? count : std::nullopt};
}

std::int64_t SlurmStep::siblings() { return number(variable("SLURM_STEP_NUM_TASKS")).value_or(1); }

SlurmStep::Step SlurmStep::step(const JobRequest& request) const {
  std::vector<std::string> words{
      "srun",        "--job-name=" + request.name, "--ntasks", std::to_string(request.workers),
      "--input=all", "--kill-on-bad-exit=0",       "--wait=0"};
  if (!request.dir.empty()) words.push_back("--chdir=" + request.dir);
  words.insert(words.end(), flags_.begin(), flags_.end());
  const auto task = marked_task(request.command);
  words.insert(words.end(), task.begin(), task.end());
  return {std::move(words), request.environment, request.join_texts.empty() ? "" : request.join_texts[0]};
}

std::string SlurmStep::describe(const JobRequest& request) const {
  return cohort::batch::shell_environment(request.environment) + cohort::batch::shell_words(step(request).command) +
         " <" + cohort::batch::shell_word(request.join_file + "1.json") + '\n';
}

std::string SlurmStep::trouble_of_host(const JobId&, std::string_view output, int ospid) {
  return trouble_of_node(output, allocation(), ospid);
}

void SlurmStep::signal_worker(const JobId&, std::string_view output, int ospid, int number) {
  auto words = signal_command(output, allocation(), ospid, number);
  if (!words.empty()) cohort::batch::run({.words = std::move(words)});
}

std::optional<cohort::Duration> SlurmStep::remaining(const JobId&) {
  return parse_time(cohort::batch::run({.words = {"squeue", "--noheader", "--jobs=" + allocation(), "--format=%L"}}));
}

}  // namespace cohort_slurm
