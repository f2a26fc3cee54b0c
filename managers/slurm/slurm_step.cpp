#include "slurm_step.hpp"

#include <chrono>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "../batch/command.hpp"
#include "../batch/job_script.hpp"
#include "slurm_answers.hpp"
#include "text_parts.hpp"

namespace cohort_slurm {

using namespace std::chrono_literals;
using cohort::ChildProcess;
using cohort::detail::MutexLock;
using cohort_batch::JobId;
using cohort_batch::JobRequest;
using cohort_batch::JobState;
using cohort_batch::JobStatus;

namespace {

constexpr cohort::Duration term_limit = 5s, kill_limit = 5s;  // of srun, which ends its tasks

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

JobId SlurmStep::allocation() { return variable("SLURM_JOB_ID"); }

std::optional<std::int64_t> SlurmStep::tasks() {
  const auto count = number(variable("SLURM_NTASKS"));
  return count && *count > 0 ? count : std::nullopt;
}

std::int64_t SlurmStep::siblings() { return number(variable("SLURM_STEP_NUM_TASKS")).value_or(1); }

const cohort_batch::Dialect& SlurmStep::dialect() const {
  // Its workers lose their master, and end; then srun does.
  static const cohort_batch::Dialect dialect{"a step of Slurm", ":"};
  return dialect;
}

std::vector<std::string> SlurmStep::step_command(const JobRequest& request) const {
  std::vector<std::string> words{
      "srun",        "--job-name=" + request.name, "--ntasks", std::to_string(request.workers),
      "--input=all", "--kill-on-bad-exit=0",       "--wait=0"};
  if (!request.dir.empty()) words.push_back("--chdir=" + request.dir);
  words.insert(words.end(), flags_.begin(), flags_.end());
  const auto task = marked_task(request.command);
  words.insert(words.end(), task.begin(), task.end());
  return words;
}

std::string SlurmStep::describe(const JobRequest& request) const {
  return cohort_batch::shell_environment(request.environment) + cohort_batch::shell_words(step_command(request)) +
         " <" + cohort_batch::shell_word(request.join_file + "1.json") + '\n';
}

std::vector<JobId> SlurmStep::submit(const JobRequest& request) {
  cohort::SpawnOptions spawn;
  // Nobody reads what it prints, until the step has failed.
  spawn.command = {"/bin/sh", "-c", R"(exec "$@" >"$0" 2>&1)", request.output + "1.out"};
  for (auto& word : step_command(request)) spawn.command.push_back(std::move(word));
  spawn.env = request.environment;
  spawn.input = request.join_texts.at(0);
  ChildProcess child = ChildProcess::spawn(spawn);
  const MutexLock lock(mutex_);
  JobId id = allocation() + " (launch " + std::to_string(next_++) + ")";
  steps_.emplace(id, std::move(child));
  return {std::move(id)};
}

std::map<JobId, JobStatus> SlurmStep::status(const std::vector<JobId>& jobs) {
  std::map<JobId, JobStatus> all;
  const MutexLock lock(mutex_);
  for (const JobId& job : jobs) {
    const auto step = steps_.find(job);
    if (step == steps_.end()) continue;
    JobStatus& status = all[job];
    const auto ended = step->second.poll();
    status.state = !ended                              ? JobState::active
                   : ended->exited && ended->code == 0 ? JobState::completed
                                                       : JobState::failed;
    if (!ended) continue;
    status.word = "srun " + ended->text();
  }
  return all;
}

void SlurmStep::cancel(const std::vector<JobId>& jobs) {
  std::vector<ChildProcess> ending;
  {
    const MutexLock lock(mutex_);
    for (const JobId& job : jobs) {
      if (auto step = steps_.extract(job)) ending.push_back(std::move(step.mapped()));
    }
  }
  for (auto& step : ending) step.terminate(term_limit, kill_limit);
}

void SlurmStep::signal_worker(const JobId&, std::string_view output, int ospid, int number) {
  auto words = signal_command(output, allocation(), ospid, number);
  if (!words.empty()) cohort_batch::run({.words = std::move(words)});
}

std::optional<cohort::Duration> SlurmStep::remaining(const JobId&) {
  return parse_time(cohort_batch::run({.words = {"squeue", "--noheader", "--jobs=" + allocation(), "--format=%L"}}));
}

}  // namespace cohort_slurm
