#include "job_watch.hpp"

#include <algorithm>
#include <exception>
#include <thread>

#include <cohort/error.hpp>

#include "jitter.hpp"

namespace cohort::batch {

using cohort::Clock;
using cohort::detail::MutexLock;

JobWatch::JobWatch(QueueDriver& driver, cohort::Duration shortest, cohort::Duration longest)
    : driver_(driver), shortest_(shortest), longest_(longest), pause_(shortest) {}

void JobWatch::add(const JobId& job) {
  const MutexLock lock(mutex_);
  jobs_.insert(job);
  pause_ = shortest_;
  next_ = std::min(next_, Clock::now() + pause_);
}

void JobWatch::remove(const JobId& job) {
  const MutexLock lock(mutex_);
  jobs_.erase(job);
  last_.erase(job);
}

JobStatus JobWatch::status(const JobId& job) {
  if (Clock::now() >= next_query()) {
    const MutexLock one_at_a_time(querying_);
    if (Clock::now() >= next_query()) query();
  }
  return known(job);
}

JobStatus JobWatch::fresh_status(const JobId& job) {
  const auto asked = Clock::now();
  const MutexLock one_at_a_time(querying_);
  MutexLock lock(mutex_);
  const bool is_fresh = began_ >= asked && problem_.empty();  // another one's, for which this call has waited
  const auto wait = last_query_ + shortest_ - Clock::now();
  lock.unlock();
  if (is_fresh) return known(job);
  if (wait > wait.zero()) std::this_thread::sleep_for(std::min<cohort::Duration>(wait, shortest_));
  query();
  return known(job);
}

bool JobWatch::is_unknown(const JobId& job) {
  const MutexLock lock(mutex_);
  return problem_.empty() && !last_.contains(job);
}

Clock::time_point JobWatch::next_query() {
  const MutexLock lock(mutex_);
  return next_;
}

std::string JobWatch::problem() {
  const MutexLock lock(mutex_);
  return problem_;
}

void JobWatch::query() {
  std::vector<JobId> jobs;
  {
    const MutexLock lock(mutex_);
    jobs.assign(jobs_.begin(), jobs_.end());
    began_ = Clock::now();
  }
  std::map<JobId, JobStatus> answer;
  std::string problem;
  try {
    if (!jobs.empty()) answer = driver_.status(jobs);
  } catch (const std::exception& error) {
    problem = error.what();
  }
  const MutexLock lock(mutex_);
  const bool changed = problem.empty() && answer != last_;
  if (problem.empty()) last_ = std::move(answer);
  problem_ = std::move(problem);
  pause_ = changed ? shortest_ : std::min(longest_, pause_ * 3 / 2);
  last_query_ = Clock::now();
  next_ = last_query_ + with_jitter(pause_);
}

JobStatus JobWatch::known(const JobId& job) {
  const MutexLock lock(mutex_);
  const auto found = last_.find(job);
  return found == last_.end() ? JobStatus{} : found->second;
}

}  // namespace cohort::batch
