#include "job_keeper.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include <cohort/cluster.hpp>
#include <cohort/error.hpp>
#include <cohort/lifecycle.hpp>

#include "notice.hpp"

namespace cohort_batch {

using namespace std::chrono_literals;
using cohort::Clock;
using cohort::Pid;
using cohort::detail::MutexLock;

namespace {

constexpr cohort::Duration shortest_drain = 10s, longest_drain = 5min;  // if the user does not say it
constexpr cohort::Duration removal_before_end = 3s;                     // of workers that have not finished
constexpr cohort::Duration end_of_empty_job = 10s;                      // that goes on without workers
constexpr int most_failed_starts = 3;

Clock::time_point steady_time_of(Time time) {
  return Clock::now() + std::chrono::duration_cast<cohort::Duration>(time - std::chrono::system_clock::now());
}

std::string seconds_text(cohort::Duration duration) {
  return std::to_string(std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::seconds>(duration).count())) + " s";
}

}  // namespace

JobKeeper::JobKeeper(JobWatch& watch, Actions actions, Limits limits)
    : watch_(watch), actions_(std::move(actions)), limits_(limits) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

JobKeeper::~JobKeeper() {
  thread_.request_stop();
  thread_.join();
  for (auto& drain : drains_) drain.request_stop();
}

void JobKeeper::add(const JobPtr& job) {
  const MutexLock lock(mutex_);
  jobs_.try_emplace(job);
  is_changed_ = true;
  changed_.notify_one();
}

void JobKeeper::remove(const JobPtr& job) {
  const MutexLock lock(mutex_);
  jobs_.erase(job);
}

void JobKeeper::joined(const JobPtr& job, Pid pid) {
  const MutexLock lock(mutex_);
  Kept& kept = jobs_[job];
  if (kept.empty_since) kept = {};  // it has begun once more
  kept.pids.insert(pid);
  kept.is_fresh = false;
  is_changed_ = true;
  changed_.notify_one();
}

void JobKeeper::left(const JobPtr& job, Pid pid, bool lost) {
  const MutexLock lock(mutex_);
  Kept* kept = find(job);
  if (kept == nullptr || kept->pids.erase(pid) == 0) return;
  kept->has_lost |= lost;
  if (kept->pids.empty()) kept->empty_since = Clock::now();
  is_changed_ = true;
  changed_.notify_one();
}

JobKeeper::Kept* JobKeeper::find(const JobPtr& job) {
  const auto found = jobs_.find(job);
  return found == jobs_.end() ? nullptr : &found->second;
}

void JobKeeper::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::vector<JobPtr> jobs;
    {
      const MutexLock lock(mutex_);
      is_changed_ = false;
      for (const auto& [job, kept] : jobs_) jobs.push_back(job);
    }
    auto next = Clock::time_point::max();
    for (const JobPtr& job : jobs) {
      try {
        if (job->files > 0 && job->arrived >= job->files * job->workers) {  // its tokens are used up
          actions_.renew(job);
          if (job->arrived >= job->files * job->workers) job->files = 0;  // it needs no more
        }
        next = std::min(next, look_at(job));
      } catch (const std::exception& error) {
        say(error.what());
        next = std::min(next, Clock::now() + 1s);
      }
    }
    tell_what_is_expected();
    const MutexLock lock(mutex_);
    const auto is_changed = [this]() COHORT_REQUIRES(mutex_) { return is_changed_; };
    if (next == Clock::time_point::max())
      changed_.wait(mutex_, stop, is_changed);
    else
      changed_.wait_until(mutex_, stop, cohort::detail::system_time_of(std::max(next, Clock::now() + 100ms)),
                          is_changed);
  }
}

// As long as a job has not ended, its workers may come, or come back: maps that have lost all of theirs wait for them.
void JobKeeper::tell_what_is_expected() {
  std::set<std::shared_ptr<Door>> doors;
  {
    const MutexLock lock(mutex_);
    for (const auto& [job, kept] : jobs_) doors.insert(job->door);
  }
  for (const auto& door : expecting_)
    if (!doors.contains(door)) door->expect(false);
  for (const auto& door : doors)
    if (!expecting_.contains(door)) door->expect(true);
  expecting_ = std::move(doors);
}

JobKeeper::TimePoint JobKeeper::look_at(const JobPtr& job) {
  bool is_fresh;
  std::optional<TimePoint> empty_since;
  {
    const MutexLock lock(mutex_);
    const Kept* kept = find(job);
    if (kept == nullptr || job->launching) return TimePoint::max();
    is_fresh = kept->is_fresh;
    empty_since = kept->empty_since;
  }
  if (empty_since) return look_at_empty(job, *empty_since);
  return is_fresh ? look_at_fresh(job) : look_at_time(job);
}

// A job that takes the place of another, or of which nobody waits for the workers any more.
JobKeeper::TimePoint JobKeeper::look_at_fresh(const JobPtr& job) {
  const JobStatus status = watch_.status(job->id);
  if (!has_ended(status.state)) return watch_.next_query();
  ++failed_starts_;
  is_over(job, "ended before a worker joined: " + text_of(status));
  return TimePoint::max();
}

JobKeeper::TimePoint JobKeeper::look_at_empty(const JobPtr& job, TimePoint empty_since) {
  bool has_lost, is_renewed;
  {
    const MutexLock lock(mutex_);
    Kept* kept = find(job);
    if (kept == nullptr) return TimePoint::max();
    has_lost = kept->has_lost;
    is_renewed = std::exchange(kept->is_renewed, true);
  }
  if (!has_lost) {  // its end was wanted
    actions_.end(job);
    return TimePoint::max();
  }
  if (!is_renewed) actions_.renew(job);  // it may begin once more before its state is known
  const JobStatus status = watch_.fresh_status(job->id);
  if (status.state == JobState::queued) {
    say("job " + job->id + " is " + text_of(status) + " once more: its workers come back when it runs");
    const MutexLock lock(mutex_);
    if (Kept* kept = find(job); kept != nullptr && kept->pids.empty()) *kept = {};
    return watch_.next_query();
  }
  const bool goes_on = status.state == JobState::active && !status.ending;
  if (!has_ended(status.state) && Clock::now() < empty_since + end_of_empty_job * (goes_on ? 1 : 6))
    return watch_.next_query();
  is_over(job, "has lost its workers: " + text_of(status));
  return TimePoint::max();
}

JobKeeper::TimePoint JobKeeper::look_at_time(const JobPtr& job) {
  failed_starts_ = 0;
  bool knows_end;
  {
    const MutexLock lock(mutex_);
    const Kept* kept = find(job);
    if (kept == nullptr) return TimePoint::max();
    knows_end = kept->knows_end;
  }
  const JobStatus status = knows_end ? JobStatus() : watch_.status(job->id);
  MutexLock lock(mutex_);
  Kept* kept = find(job);
  if (kept == nullptr) return TimePoint::max();
  if (!knows_end) learn_end(*kept, status);
  if (!kept->knows_end) return watch_.next_query();
  if (!kept->end) return TimePoint::max();
  const auto drain_at = *kept->end - kept->drain, replace_at = kept->replacement;
  const auto now = Clock::now();
  const bool is_to_replace = limits_.respawn && !kept->is_replaced && now >= replace_at;
  const bool is_to_drain = !kept->is_drained && now >= drain_at;
  const auto left = *kept->end - now;
  kept->is_replaced |= is_to_replace;
  kept->is_drained |= is_to_drain;
  const auto next = kept->is_drained ? TimePoint::max() : limits_.respawn && !kept->is_replaced ? replace_at : drain_at;
  lock.unlock();
  if (is_to_replace) replace(job, "whose time is over in " + seconds_text(left));
  if (is_to_drain) drain(job);
  return next;
}

// A job that has no limit is asked for no more.
void JobKeeper::learn_end(Kept& kept, const JobStatus& status) const {
  if (status.state != JobState::active) return;
  kept.knows_end = true;
  const auto begin = status.start ? steady_time_of(*status.start) : Clock::now();
  if (status.end)
    kept.end = steady_time_of(*status.end);
  else if (limits_.walltime && *limits_.walltime != cohort::never)
    kept.end = begin + *limits_.walltime;
  else
    return;
  const cohort::Duration whole = *kept.end - begin;
  kept.drain = std::min(whole / 2, limits_.drain.value_or(std::clamp(whole / 10, shortest_drain, longest_drain)));
  // Not before half of its time: otherwise one job after the other would be submitted at once.
  kept.replacement = std::max(*kept.end - 2 * kept.drain, begin + whole / 2);
}

// The workers leave when they have finished, and at the latest shortly before the scheduler ends them.
void JobKeeper::drain(const JobPtr& job) {
  std::vector<Pid> pids;
  TimePoint removal;
  {
    const MutexLock lock(mutex_);
    const Kept* kept = find(job);
    if (kept == nullptr) return;
    pids.assign(kept->pids.begin(), kept->pids.end());
    removal = *kept->end - std::min<cohort::Duration>(removal_before_end, kept->drain / 3);
  }
  const std::string cause = "walltime: the time of job " + job->id + " is over";
  say("job " + job->id + ": its time is nearly over, and its workers get no more work" +
      (limits_.respawn ? "" : " (with -o respawn=true another job takes its place)"));
  drains_.emplace_back([pids = std::move(pids), removal, cause](const std::stop_token& stop) {
    try {
      cohort::drain(pids, {.deadline = removal, .stop_token = stop, .cause = cause, .remove_at_deadline = true});
    } catch (const std::exception& error) {
      if (!stop.stop_requested()) say(cause + "; " + error.what());
    }
  });
}

void JobKeeper::is_over(const JobPtr& job, const std::string& why) {
  bool is_replaced = true;
  {
    const MutexLock lock(mutex_);
    if (const Kept* kept = find(job); kept != nullptr) is_replaced = kept->is_replaced;
  }
  if (limits_.respawn && !is_replaced)
    replace(job, "which " + why);
  else if (!limits_.respawn || failed_starts_ > 0)
    say("job " + job->id + ' ' + why);
  actions_.end(job);
}

void JobKeeper::replace(const JobPtr& job, const std::string& why) {
  if (failed_starts_ >= most_failed_starts) {
    return say("job " + job->id + ", " + why + ", is not replaced: " + std::to_string(failed_starts_) +
               " jobs in a row have ended before a worker joined");
  }
  try {
    const JobPtr next = actions_.copy(job);
    say("job " + next->id + " is to take the place of job " + job->id + ", " + why);
    add(next);
  } catch (const std::exception& error) {
    say("nothing takes the place of job " + job->id + ", " + why + ": " + error.what());
  }
}

}  // namespace cohort_batch
