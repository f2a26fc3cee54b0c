#include "allocation_driver.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>

#include <cohort/batch/job_script.hpp>
#include <cohort/batch/worker_marks.hpp>

namespace cohort::batch {

using namespace std::chrono_literals;
using cohort::ChildProcess;
using cohort::detail::MutexLock;

namespace {

constexpr cohort::Duration own_end_limit = 300ms;             // of a step whose workers are gone
constexpr cohort::Duration term_limit = 5s, kill_limit = 5s;  // of a step, which ends its workers

}  // namespace

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::optional<std::int64_t> lines_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const auto lines = std::count(std::istreambuf_iterator<char>(file), {}, '\n');
  return lines > 0 ? std::optional<std::int64_t>(lines) : std::nullopt;
}

// Its workers lose their master, and end; then the step does. Nothing is to be cancelled.
AllocationDriver::AllocationDriver(const std::string& name, JobId allocation)
    : allocation_(std::move(allocation)), dialect_{"a step of " + name, ""} {}

std::vector<JobId> AllocationDriver::submit(const JobRequest& request) {
  Step step = this->step(request);
  cohort::SpawnOptions spawn;
  // Nobody reads what it prints, until the step has failed.
  spawn.command = {"/bin/sh", "-c", R"(exec "$@" >>"$0" 2>&1)", request.output + "1.out"};
  for (auto& word : step.command) spawn.command.push_back(std::move(word));
  spawn.env = std::move(step.environment);
  spawn.input = std::move(step.input);
  ChildProcess child = ChildProcess::spawn(spawn);
  const MutexLock lock(mutex_);
  JobId id = allocation_ + " (launch " + std::to_string(next_++) + ")";
  steps_.emplace(id, std::move(child));
  return {std::move(id)};
}

std::map<JobId, JobStatus> AllocationDriver::status(const std::vector<JobId>& jobs) {
  std::map<JobId, JobStatus> all;
  const auto end = jobs.empty() ? std::nullopt : end_of_allocation(jobs[0]);
  const MutexLock lock(mutex_);
  for (const JobId& job : jobs) {
    const auto step = steps_.find(job);
    if (step == steps_.end()) continue;
    JobStatus& status = all[job];
    const auto ended = step->second.poll();
    status.state = !ended                              ? JobState::active
                   : ended->exited && ended->code == 0 ? JobState::completed
                                                       : JobState::failed;
    if (ended)
      status.word = "the step " + ended->text();
    else
      status.end = end;
  }
  return all;
}

// A scheduler that does not say it is not asked again.
std::optional<Time> AllocationDriver::end_of_allocation(const JobId& job) {
  std::call_once(asked_, [&] {
    try {
      if (const auto left = remaining(job))
        end_ = std::chrono::system_clock::now() + std::chrono::duration_cast<Time::duration>(*left);
    } catch (const cohort::Error&) {
    }
  });
  return end_;
}

void AllocationDriver::cancel(const std::vector<JobId>& jobs) {
  std::vector<ChildProcess> ending;
  {
    const MutexLock lock(mutex_);
    for (const JobId& job : jobs) {
      if (auto step = steps_.extract(job)) ending.push_back(std::move(step.mapped()));
    }
  }
  const auto soon = cohort::deadline_after(own_end_limit);
  for (auto& step : ending)
    if (!step.wait_until(soon)) step.terminate(term_limit, kill_limit);
}

ScriptStep::ScriptStep(std::unique_ptr<CommandDriver> driver, JobId allocation)
    : AllocationDriver(driver->dialect().name, std::move(allocation)), driver_(std::move(driver)) {}

std::string ScriptStep::describe(const JobRequest& request) const {
  const std::string file = shell_word(script_file(request));
  return "cat >" + file + " <<'END'\n" + driver_->allocation_script(request) + "END\n/bin/sh " + file + '\n';
}

AllocationDriver::Step ScriptStep::step(const JobRequest& request) const {
  write_script(script_file(request), driver_->allocation_script(request));
  return {.command = {"/bin/sh", script_file(request)}};
}

std::string ScriptStep::end_of_worker(std::string_view output, int ospid) const { return end_by_marks(output, ospid); }

std::optional<cohort::Duration> ScriptStep::remaining(const JobId&) { return driver_->remaining(allocation()); }

}  // namespace cohort::batch
