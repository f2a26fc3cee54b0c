#include "launch_wait.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include <cohort/batch/text_parts.hpp>
#include <cohort/detail/text.hpp>

#include "job_output.hpp"

namespace cohort::batch {
namespace {

using namespace std::chrono_literals;
using cohort::Clock;

constexpr cohort::Duration not_worth_telling = 2s;  // a job that starts within this time
constexpr cohort::Duration between_counts = 10s;    // of workers that have joined, while others do not come
constexpr cohort::Duration shortest_wait = 100ms;   // whatever deadline has passed
}  // namespace

LaunchWait::LaunchWait(JobWatch& watch, Door& door, Journal& journal,
                       const std::vector<std::shared_ptr<BatchJob>>& jobs, std::int64_t enough, JobStart::Limits limits)
    : watch_(watch), door_(door), journal_(journal), limits_(limits), enough_(enough) {
  for (const auto& job : jobs) {
    jobs_.push_back({.job = job, .id = job->id});
    workers_ += job->workers;
  }
}

std::string LaunchWait::run(const std::stop_token& stop) {
  const std::int64_t few = workers_ - enough_;
  for (;;) {
    // The states first: a worker that came before its job ended is not missed.
    for (auto& waited : jobs_) waited.status = watch_.status(waited.id);
    const auto missing = door_.wait(stop, submitted_, few);  // of the past: it only looks
    if (missing <= few) return "";
    for (auto& waited : jobs_) look_at(waited);
    tell(missing);
    const std::string joined = std::to_string(workers_ - missing) + " of " + counted(workers_, "worker") + " joined: ";
    if (stop.stop_requested()) return joined + "the launch was stopped: " + state_of_all();
    if (!can_be_enough()) return joined + failures();
    auto next = watch_.next_query();
    for (const auto& waited : jobs_) {
      if (!waited.is_open()) continue;
      next = std::min(next, waited.start.limit(limits_));
      if (const auto& began = waited.start.began())
        next = std::min(next, std::max(*began + between_counts, next_count_));
    }
    const auto worth_telling = submitted_ + not_worth_telling;
    if (Clock::now() < worth_telling) next = std::min(next, worth_telling);
    door_.wait(stop, std::max(next, Clock::now() + shortest_wait), few);
  }
}

void LaunchWait::look_at(Waited& waited) {
  if (!waited.is_open()) return;
  const auto look = [&] {
    waited.start.look(waited.status, watch_.problem(), waited.job->arrived, Clock::now());
    return waited.start.why_to_give_up(waited.status, watch_.problem(), limits_, Clock::now());
  };
  std::string why = look();
  if (!why.empty() && !waited.start.began()) {  // it may run meanwhile
    waited.status = watch_.fresh_status(waited.id);
    why = look();
  }
  if (!why.empty()) waited.failure = "job " + waited.id + ' ' + why + what_it_printed(waited.job->output);
}

bool LaunchWait::can_be_enough() const {
  std::int64_t possible = 0;
  for (const auto& waited : jobs_)
    possible += waited.failure.empty() ? waited.job->workers : waited.job->arrived.load();
  return possible >= enough_;
}

// The first one stands for all.
std::string LaunchWait::failures() const {
  std::string text;
  std::int64_t others = -1;
  for (const auto& waited : jobs_) {
    if (waited.failure.empty()) continue;
    if (text.empty()) text = waited.failure;
    ++others;
  }
  return others > 0 ? "no worker comes by " + counted(others + 1, "job") + ", the first of them is this: " + text
                    : text;
}

void LaunchWait::tell(std::int64_t missing) {
  count_joined(missing);
  if (Clock::now() - submitted_ < not_worth_telling) return;
  std::string message;
  if (const auto problem = watch_.problem(); !problem.empty())
    message = "the state of " + (jobs_.size() == 1 ? "job " + jobs_[0].id : "the jobs") + " is not known: " + problem;
  else
    message = jobs_.size() == 1 ? state_of_one() : state_of_all() + joined_;
  if (message.empty() || message == told_) return;
  journal_.say(message);
  told_ = std::move(message);
}

// Of jobs that run, but whose workers do not come: their user wants to know before `launch` is over.
void LaunchWait::count_joined(std::int64_t missing) {
  const auto now = Clock::now();
  const auto runs_long = [now](const Waited& waited) {
    return waited.is_open() && waited.start.began() && now >= *waited.start.began() + between_counts;
  };
  if (std::ranges::none_of(jobs_, [](const Waited& waited) { return waited.start.began().has_value(); })) {
    joined_.clear();
  } else if (now >= next_count_ && (!joined_.empty() || std::ranges::any_of(jobs_, runs_long))) {
    joined_ = ", " + std::to_string(workers_ - missing) + " of " + counted(workers_, "worker") + " have joined";
    next_count_ = now + between_counts;
  }
}

std::string LaunchWait::state_of_one() const {
  const Waited& waited = jobs_[0];
  const JobState state = waited.status.state;
  if (state == JobState::queued && !waited.start.began())
    return "job " + waited.id + ": " + text_of(waited.status) + ", " + counted(workers_, "worker");
  const bool runs = state == JobState::active || (waited.start.began() && !has_ended(state) && waited.job->arrived > 0);
  if (!runs || (told_.empty() && joined_.empty())) return "";
  return "job " + waited.id + ": runs" + (waited.status.host.empty() ? "" : " on " + waited.status.host) + joined_;
}

// "jobs 11 to 74: 60 queued (Priority), 4 active".
std::string LaunchWait::state_of_all() const {
  std::map<std::string, std::int64_t> states;
  for (const auto& waited : jobs_) states[text_of(waited.status)]++;
  if (jobs_.size() == 1) return "job " + jobs_[0].id + " was " + states.begin()->first;
  std::string text = "jobs " + jobs_.front().id + " to " + jobs_.back().id + ':';
  for (const auto& [state, number] : states)
    text += (text.ends_with(':') ? " " : ", ") + std::to_string(number) + ' ' + state;
  return text;
}

}  // namespace cohort::batch
