#include "job_keeper.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include <cohort/batch/text_parts.hpp>
#include <cohort/cluster.hpp>
#include <cohort/demand.hpp>
#include <cohort/error.hpp>
#include <cohort/lifecycle.hpp>

#include "job_output.hpp"

namespace cohort::batch {

using namespace std::chrono_literals;
using cohort::Clock;
using cohort::Pid;
using cohort::detail::MutexLock;

namespace {

constexpr cohort::Duration shortest_drain = 10s, longest_drain = 5min;  // if the user does not say it
constexpr cohort::Duration removal_before_end = 3s;                     // of workers that have not finished
constexpr cohort::Duration end_of_empty_job = 10s;                      // that goes on without workers
constexpr int most_failed_starts = 3;
constexpr cohort::Duration scaling_pause = 1s;   // between two looks at the work that there is
constexpr cohort::Duration soon = 30s;           // a job that begins by then is not cancelled for want of work
constexpr cohort::Duration leaving_limit = 10s;  // for workers without work to leave: they may hold values

Clock::time_point steady_time_of(Time time) {
  return Clock::now() + std::chrono::duration_cast<cohort::Duration>(time - std::chrono::system_clock::now());
}

std::string seconds_text(cohort::Duration duration) {
  return std::to_string(std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::seconds>(duration).count())) + " s";
}

}  // namespace

JobKeeper::JobKeeper(JobWatch& watch, Journal& journal, Actions actions, Limits limits)
    : watch_(watch), journal_(journal), actions_(std::move(actions)), limits_(limits) {
  if (limits_.scale) scaler_.emplace(*limits_.scale);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

JobKeeper::~JobKeeper() {
  thread_.request_stop();
  thread_.join();
  for (auto& drain : drains_) drain.thread.request_stop();
}

void JobKeeper::add(const JobPtr& job) {
  const MutexLock lock(mutex_);
  keep(job);
  is_changed_ = true;
  changed_.notify_one();
}

void JobKeeper::remove(const JobPtr& job) {
  const MutexLock lock(mutex_);
  jobs_.erase(job);
}

void JobKeeper::joined(const JobPtr& job, Pid pid) {
  const MutexLock lock(mutex_);
  Kept& kept = keep(job);
  if (kept.empty_since) kept = {.number = kept.number};  // it has begun once more
  kept.pids.insert(pid);
  kept.came++;
  has_begun_ |= std::exchange(kept.is_fresh, false);
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

JobKeeper::Kept& JobKeeper::keep(const JobPtr& job) {
  const auto [place, is_new] = jobs_.try_emplace(job);
  if (is_new) {
    place->second.number = ++last_number_;
    model_ = job;
  }
  return place->second;
}

// In the order in which they came.
std::vector<JobKeeper::JobPtr> JobKeeper::take_jobs() {
  const MutexLock lock(mutex_);
  is_changed_ = false;
  if (std::exchange(has_begun_, false)) {
    failed_starts_ = 0;
    if (scaler_) scaler_->succeeded();
  }
  std::map<std::uint64_t, JobPtr> in_order;
  for (const auto& [job, kept] : jobs_) in_order.emplace(kept.number, job);
  std::vector<JobPtr> jobs;
  for (auto& [number, job] : in_order) jobs.push_back(std::move(job));
  return jobs;
}

void JobKeeper::run(const std::stop_token& stop) {
  stop_ = stop;
  while (!stop.stop_requested()) {
    const auto jobs = take_jobs();
    auto next = Clock::time_point::max();
    for (const JobPtr& job : jobs) {
      try {
        if (job->files > 0 && job->arrived >= job->files * job->workers) {  // its tokens are used up
          actions_.renew(job);
          if (job->arrived >= job->files * job->workers) job->files = 0;  // it needs no more
        }
        next = std::min(next, look_at(job));
      } catch (const std::exception& error) {
        if (!stop.stop_requested()) journal_.say(error.what());
        next = std::min(next, Clock::now() + 1s);
      }
    }
    if (scaler_ && scale(jobs)) next = std::min(next, Clock::now() + scaling_pause);
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
    if (scaler_ && model_ != nullptr && scaler_->may_submit(Clock::now())) doors.insert(model_->door);
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
  if (job->ended) return look_at_ended(job);
  if (empty_since) return look_at_empty(job, *empty_since);
  return is_fresh ? look_at_fresh(job) : look_at_time(job);
}

// A job that was submitted later than its launch, or of which nobody waits for the workers any more. The limits of a
// launch hold for it, too.
JobKeeper::TimePoint JobKeeper::look_at_fresh(const JobPtr& job) {
  const JobStatus status = watch_.status(job->id);
  const std::string problem = watch_.problem();
  const auto limits = JobStart::Limits{limits_.queue, limits_.launch.value_or(job->params->timeout)};
  const auto now = Clock::now();
  std::string why;
  auto limit = now;
  {
    const MutexLock lock(mutex_);
    Kept* kept = find(job);
    if (kept == nullptr || !kept->is_fresh) return now;
    kept->start.look(status, problem, 0, now);
    why = kept->start.why_to_give_up(status, problem, limits, now);
    limit = kept->start.limit(limits);
  }
  if (why.empty()) return std::min(watch_.next_query(), limit);
  has_not_started(job, why + what_it_printed(job->output));
  return TimePoint::max();
}

void JobKeeper::has_not_started(const JobPtr& job, const std::string& why) {
  ++failed_starts_;
  if (scaler_) scaler_->failed(Clock::now());
  is_over(job, why);
}

// The core had its last worker killed, or did not take it in.
JobKeeper::TimePoint JobKeeper::look_at_ended(const JobPtr& job) {
  bool is_fresh, has_lost;
  {
    const MutexLock lock(mutex_);
    const Kept* kept = find(job);
    if (kept == nullptr || !kept->pids.empty()) return TimePoint::max();  // it is told of each that leaves
    is_fresh = kept->is_fresh;
    has_lost = kept->has_lost;
  }
  if (!is_fresh && !has_lost) {
    actions_.end(job);
    return TimePoint::max();
  }
  if (is_fresh)
    has_not_started(job, "was ended, as its worker could not join");
  else
    is_over(job, "was ended, as its last worker was lost");
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
  if (stop_.stop_requested()) return TimePoint::max();
  if (status.state == JobState::queued) {
    journal_.say("job " + job->id + " is " + text_of(status) + " once more: its workers come back when it runs");
    const MutexLock lock(mutex_);
    if (Kept* kept = find(job); kept != nullptr && kept->pids.empty()) *kept = {.number = kept->number};
    return watch_.next_query();
  }
  const bool goes_on = status.state == JobState::active && !status.ending;
  if (!has_ended(status.state) && Clock::now() < empty_since + end_of_empty_job * (goes_on ? 1 : 6))
    return watch_.next_query();
  is_over(job, "has lost its workers: " +
                   (watch_.is_unknown(job->id) ? "the scheduler does not know it any more" : text_of(status)));
  return TimePoint::max();
}

JobKeeper::TimePoint JobKeeper::look_at_time(const JobPtr& job) {
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
  if (status.state != JobState::active || status.ending) return;  // of one that is ended, the end is now
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
  journal_.say("job " + job->id + ": its time is nearly over, and its workers get no more work" +
               (limits_.respawn || scaler_ ? "" : " (with -o respawn=true another job takes its place)"));
  run_drain([this, pids = std::move(pids), removal, cause](const std::stop_token& stop) {
    try {
      cohort::drain(pids, {.deadline = removal, .stop_token = stop, .cause = cause, .remove_at_deadline = true});
    } catch (const std::exception& error) {
      if (!stop.stop_requested()) journal_.say(cause + "; " + error.what());
    }
  });
}

// On a thread of its own, as it waits for the workers.
void JobKeeper::run_drain(std::function<void(const std::stop_token&)> drain) {
  std::erase_if(drains_, [](const Drain& one) { return one.is_over->load(); });
  auto is_over = std::make_shared<std::atomic<bool>>(false);
  drains_.push_back({is_over, std::jthread([drain = std::move(drain), is_over](const std::stop_token& stop) {
                       drain(stop);
                       *is_over = true;
                     })});
}

// At the end of the program nothing is said of jobs, or replaced: it is wanted, and the manager cancels them.
void JobKeeper::is_over(const JobPtr& job, const std::string& why) {
  if (stop_.stop_requested()) return;
  bool is_replaced = true;
  {
    const MutexLock lock(mutex_);
    if (const Kept* kept = find(job); kept != nullptr) is_replaced = kept->is_replaced;
  }
  if (limits_.respawn && !is_replaced)
    replace(job, "which " + why);
  else if (!limits_.respawn || failed_starts_ > 0)
    journal_.say("job " + job->id + ' ' + why);
  actions_.end(job);
}

void JobKeeper::replace(const JobPtr& job, const std::string& why) {
  if (failed_starts_ >= most_failed_starts) {
    return journal_.say("job " + job->id + ", " + why + ", is not replaced: " + std::to_string(failed_starts_) +
                        " jobs in a row have ended before a worker joined");
  }
  try {
    const JobPtr next = actions_.copy(job, 1).at(0);
    journal_.say("job " + next->id + " is to take the place of job " + job->id + ", " + why);
    add(next);
  } catch (const std::exception& error) {
    journal_.say("nothing takes the place of job " + job->id + ", " + why + ": " + error.what());
  }
}

// --- As many jobs as there is work for. ---

// @return whether to look again soon.
bool JobKeeper::scale(const std::vector<JobPtr>& jobs) {
  const auto now = Clock::now();
  JobPtr model;
  {
    const MutexLock lock(mutex_);
    model = model_;
  }
  if (model == nullptr) return false;  // nothing was launched yet
  try {
    const auto demand = cohort::demand();
    std::vector<Scaler::Job> scaled;
    std::map<JobId, JobPtr> by_id;
    for (const JobPtr& job : jobs) {
      const JobStatus status = watch_.status(job->id);
      if (auto one = scaled_job(job, status, demand)) {
        scaled.push_back(std::move(*one));
        by_id.emplace(job->id, job);
      }
    }
    const auto plan = scaler_->plan(demand, scaled, model->workers, now);
    if (plan.submit > 0) submit_more(model, plan);
    for (const JobId& id : plan.cancel) cancel(by_id.at(id));
    for (const JobId& id : plan.leave) leave(by_id.at(id));
    tell_state(jobs, plan.why);
  } catch (const std::exception& error) {
    tell_state(jobs, std::string("the work that there is is not known: ") + error.what());
  }
  return true;
}

// nullopt: it is ending.
std::optional<Scaler::Job> JobKeeper::scaled_job(const JobPtr& job, const JobStatus& status,
                                                 const cohort::Demand& demand) {
  const MutexLock lock(mutex_);
  const Kept* kept = find(job);
  if (kept == nullptr || kept->empty_since || job->ended) return std::nullopt;
  Scaler::Job scaled{.id = job->id, .workers = job->workers};
  scaled.leaving = kept->is_drained || kept->is_leaving;
  if (kept->is_fresh || job->launching) {
    const bool begins_soon = status.start && *status.start < std::chrono::system_clock::now() + soon;
    scaled.queued = status.state == JobState::queued;
    scaled.starting = !scaled.queued || begins_soon || job->launching;
  } else {
    scaled.workers = job->workers - (kept->came - static_cast<int>(kept->pids.size()));  // some may still come
    scaled.busy = std::ranges::any_of(
        kept->pids, [&](Pid pid) { return std::binary_search(demand.busy.begin(), demand.busy.end(), pid); });
  }
  return scaled;
}

void JobKeeper::submit_more(const JobPtr& model, const Scaler::Plan& plan) {
  try {
    const auto added = actions_.copy(model, plan.submit);
    for (const JobPtr& job : added) add(job);
    journal_.say((added.size() == 1 ? "job " + added[0]->id + " was"
                                    : "jobs " + added.front()->id + " to " + added.back()->id + " were") +
                 " submitted: " + plan.why);
  } catch (const std::exception& error) {
    scaler_->failed(Clock::now());
    journal_.say("no more jobs could be submitted: " + std::string(error.what()));
  }
}

void JobKeeper::cancel(const JobPtr& job) {
  const JobStatus status = watch_.fresh_status(job->id);
  const bool begins_soon = status.start && *status.start < std::chrono::system_clock::now() + soon;
  {
    const MutexLock lock(mutex_);
    const Kept* kept = find(job);
    if (kept == nullptr || !kept->pids.empty() || status.state != JobState::queued || begins_soon) return;
  }
  journal_.say("job " + job->id + " is cancelled while it is " + text_of(status) + ": there was no work for it for " +
               rough_text(limits_.scale->idle));
  actions_.end(job);
}

// If they hold values that somebody else needs, they stay.
void JobKeeper::leave(const JobPtr& job) {
  std::vector<Pid> pids;
  {
    const MutexLock lock(mutex_);
    Kept* kept = find(job);
    if (kept == nullptr) return;
    kept->is_leaving = true;
    pids.assign(kept->pids.begin(), kept->pids.end());
  }
  journal_.say("job " + job->id + ": its workers leave, as there was no work for them for " +
               rough_text(limits_.scale->idle));
  run_drain([this, job, pids = std::move(pids)](const std::stop_token& stop) {
    try {
      cohort::drain(pids, {.deadline = leaving_limit, .stop_token = stop, .cause = "there was no work for it"});
    } catch (const std::exception& error) {
      if (stop.stop_requested()) return;
      journal_.say("the workers of job " + job->id + " stay: " + error.what());
      const MutexLock lock(mutex_);
      if (Kept* kept = find(job); kept != nullptr) kept->is_leaving = false;
    }
  });
}

void JobKeeper::tell_state(const std::vector<JobPtr>& jobs, const std::string& first) {
  std::vector<std::string> lines{first};
  for (const JobPtr& job : jobs) {
    const JobStatus status = watch_.status(job->id);
    const MutexLock lock(mutex_);
    const Kept* kept = find(job);
    if (kept == nullptr) continue;
    std::string line = "job " + job->id + ": " + text_of(status);
    if (!status.host.empty()) line += " on " + status.host;
    line += ", " + std::to_string(kept->pids.size()) + " of " + std::to_string(job->workers) + " workers here";
    if (kept->is_leaving) line += ", which leave for want of work";
    if (kept->is_drained) line += ", which leave because its time is nearly over";
    lines.push_back(std::move(line));
  }
  journal_.set_state(std::move(lines));
}

}  // namespace cohort::batch
