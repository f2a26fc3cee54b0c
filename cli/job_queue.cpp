#include "job_queue.hpp"

#include <algorithm>
#include <utility>

namespace cohort::cli {

void JobQueue::add(Job job) { jobs_.push_back(std::move(job)); }

std::deque<Job>::iterator JobQueue::find_for(Pid worker) {
  return std::find_if(jobs_.begin(), jobs_.end(), [&](const Job& job) {
    return !job.failed_on.contains(worker) ||
           std::includes(job.failed_on.begin(), job.failed_on.end(), workers_.begin(), workers_.end());
  });
}

std::optional<Job> JobQueue::take(Pid worker) {
  if (stopped_ || !workers_.contains(worker)) return std::nullopt;
  const auto found = find_for(worker);
  if (found == jobs_.end()) return std::nullopt;
  Job job = std::move(*found);
  jobs_.erase(found);
  running_++;
  return job;
}

void JobQueue::put_back(Job job) {
  running_--;
  jobs_.push_front(std::move(job));
}

}  // namespace cohort::cli
