#include "job_table.hpp"

#include <algorithm>
#include <utility>

namespace cohort::fake_scheduler {
namespace {

constexpr std::size_t most_changes = 100;  // of one job that are remembered

// A status that was not true, but could have been.
JobStatus lie(const JobStatus& status, State state) {
  JobStatus said = status;
  said.state = state;
  if (state == State::pending) said = {.state = state, .reason = "Priority"};
  if (state == State::completed) said.wait_status = 0;
  return said;
}

}  // namespace

JobTable::JobTable(std::string queue)
    : queues_{{std::move(queue)}, {"closed", true}, {"short", false, std::chrono::minutes(1)}} {}

std::vector<Job*> JobTable::add(const JobSpec& spec, const std::vector<int>& array_tasks, int at_once,
                                bool is_allocation, Time now) {
  auto with_limit = std::make_shared<JobSpec>(spec);
  const Queue* queue = find_queue(spec.queue);
  if (queue != nullptr && !spec.walltime) with_limit->walltime = queue->longest;
  const std::shared_ptr<const JobSpec> shared = std::move(with_limit);
  const JobNumber first = next_;
  std::vector<Job*> added;
  for (std::size_t i = 0; i < std::max<std::size_t>(array_tasks.size(), 1); i++) {
    Job& job = jobs_[next_];
    job.number = next_++;
    job.spec = shared;
    job.submitted = now;
    job.held = spec.held;
    job.is_allocation = is_allocation;
    if (!array_tasks.empty()) {
      const int step = array_tasks.size() > 1 ? array_tasks[1] - array_tasks[0] : 1;
      job.part = {.array = first,
                  .task = array_tasks[i],
                  .first = array_tasks.front(),
                  .last = array_tasks.back(),
                  .count = static_cast<int>(array_tasks.size()),
                  .step = step,
                  .at_once = at_once};
    }
    set(job, {.reason = spec.held ? "JobHeldUser" : "None"}, now);
    added.push_back(&job);
  }
  return added;
}

void JobTable::set(Job& job, JobStatus status, Time now) {
  job.status = std::move(status);
  job.history.emplace_back(now, job.status);
  if (job.history.size() > most_changes) job.history.pop_front();
}

Job* JobTable::find(JobNumber number) {
  const auto found = jobs_.find(number);
  return found == jobs_.end() || found->second.vanished ? nullptr : &found->second;
}

Job* JobTable::find(JobNumber array, int task) {
  for (Job* job : find_all(array))
    if (job->part.array == array && job->part.task == task) return job;
  return nullptr;
}

std::vector<Job*> JobTable::find_all(JobNumber number) {
  std::vector<Job*> found;
  // The parts of an array have numbers that follow each other.
  for (auto next = jobs_.find(number); next != jobs_.end(); ++next) {
    Job& job = next->second;
    if (job.number != number && job.part.array != number) break;
    if (!job.vanished) found.push_back(&job);
  }
  return found;
}

std::vector<JobView> JobTable::views(const Faults& faults, Time now) const {
  std::vector<JobView> views;
  if (faults.empty_status) return views;
  const Time then = now - faults.status_delay;
  for (const auto& [number, job] : jobs_) {
    if (job.vanished) continue;
    const auto later = std::ranges::upper_bound(job.history, then, {}, [](const auto& entry) { return entry.first; });
    if (later == job.history.begin()) continue;  // it was not there yet
    const JobStatus& status = std::prev(later)->second;
    views.push_back({&job, job.lie ? lie(status, *job.lie) : status});
  }
  return views;
}

Queue* JobTable::find_queue(std::string_view name) {
  const auto found = std::ranges::find(queues_, name, &Queue::name);
  return found == queues_.end() ? nullptr : &*found;
}

int JobTable::waiting() const {
  return static_cast<int>(
      std::ranges::count_if(jobs_, [](const auto& entry) { return entry.second.status.state == State::pending; }));
}

void JobTable::forget_ended_before(Time time) {
  std::size_t ended = 0;
  for (auto next = jobs_.rbegin(); next != jobs_.rend(); ++next) {
    const JobStatus& status = next->second.status;
    if (has_ended(status.state) && ++ended > most_ended) time = std::max(time, *status.end + Milliseconds(1));
  }
  std::erase_if(jobs_, [&](const auto& entry) {
    const JobStatus& status = entry.second.status;
    return has_ended(status.state) && *status.end < time;
  });
}

}  // namespace cohort::fake_scheduler
