#include "job_queue.hpp"

#include <algorithm>

namespace cohort::cli {

void JobQueue::add(Job job) {
  const std::lock_guard lock(mutex_);
  jobs_.push_back(std::move(job));
  changed_.notify_one();
}

void JobQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

std::deque<Job>::iterator JobQueue::find_for(Pid worker) {
  return std::find_if(jobs_.begin(), jobs_.end(), [&](const Job& job) {
    return !job.failed_on.contains(worker) ||
           std::includes(job.failed_on.begin(), job.failed_on.end(), workers_.begin(), workers_.end());
  });
}

std::optional<Job> JobQueue::take(Pid worker) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (stopped_ || !workers_.contains(worker)) return std::nullopt;
    if (const auto found = find_for(worker); found != jobs_.end()) {
      Job job = std::move(*found);
      jobs_.erase(found);
      running_++;
      return job;
    }
    if (closed_ && jobs_.empty() && running_ == 0) return std::nullopt;
    changed_.wait(lock);
  }
}

void JobQueue::finish() {
  const std::lock_guard lock(mutex_);
  running_--;
  if (closed_ && running_ == 0) changed_.notify_all();
}

void JobQueue::put_back(Job job) {
  const std::lock_guard lock(mutex_);
  running_--;
  jobs_.push_front(std::move(job));
  changed_.notify_all();
}

void JobQueue::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

void JobQueue::lose(Pid worker) {
  const std::lock_guard lock(mutex_);
  workers_.erase(worker);
  changed_.notify_all();
}

std::size_t JobQueue::waiting() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

bool JobQueue::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

}  // namespace cohort::cli
