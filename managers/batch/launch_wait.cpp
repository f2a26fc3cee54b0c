#include "launch_wait.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include <cohort/detail/text.hpp>

#include "job_output.hpp"

namespace cohort_batch {
namespace {

using namespace std::chrono_literals;
using cohort::Clock;

constexpr cohort::Duration not_worth_telling = 2s;  // a job that starts within this time
constexpr cohort::Duration shortest_wait = 100ms;   // whatever deadline has passed
constexpr cohort::Duration known_again = 15s;       // by a scheduler that does not know a job it has accepted

Clock::time_point after(Clock::time_point time, cohort::Duration duration) {
  return duration > Clock::time_point::max() - time ? Clock::time_point::max() : time + duration;
}

std::string in_words(cohort::Duration duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  if (seconds < 120) return std::to_string(seconds) + " s";
  return std::to_string(seconds / 60) + " min";
}

// One line, at once, and not mixed with others.
void say(const std::string& message) {
  const std::string line = "cohort: " + message + '\n';
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

LaunchWait::LaunchWait(JobWatch& watch, Door& door, JobId job, std::int64_t workers, Limits limits,
                       std::filesystem::path output)
    : watch_(watch),
      door_(door),
      job_(std::move(job)),
      workers_(workers),
      limits_(limits),
      output_(std::move(output)) {}

std::string LaunchWait::run(const std::stop_token& stop) {
  for (;;) {
    JobStatus status = watch_.status(job_);
    const auto missing = door_.wait(stop, submitted_);  // of the past: it only looks
    if (missing == 0) return "";
    note_begin(status, missing);
    tell(status);
    if (stop.stop_requested()) return "the launch was stopped while job " + job_ + " was " + text_of(status);
    std::string why = why_to_give_up(status);
    if (!why.empty()) return std::to_string(workers_ - missing) + " of " + count_of_workers() + " joined: " + why;
    const auto limit = began_ ? after(*began_, limits_.launch) : after(submitted_, limits_.queue);
    auto next = std::min(limit, watch_.next_query());
    const auto worth_telling = submitted_ + not_worth_telling;
    if (Clock::now() < worth_telling) next = std::min(next, worth_telling);
    door_.wait(stop, std::max(next, Clock::now() + shortest_wait));
  }
}

void LaunchWait::note_begin(const JobStatus& status, std::int64_t missing) {
  // A worker's own word counts more than the scheduler's, which may be late. A job that did not come far may be queued
  // again.
  if (status.state == JobState::queued && missing == workers_) began_.reset();
  if (!began_ && (status.state == JobState::active || missing < workers_)) began_ = Clock::now();
  if (status.state != JobState::unknown || !watch_.problem().empty())
    unknown_.reset();
  else if (!unknown_)
    unknown_ = Clock::now();
}

std::string LaunchWait::why_to_give_up(const JobStatus& status) {
  const auto now = Clock::now();
  if (has_ended(status.state)) return "job " + job_ + " has ended: " + text_of(status) + tail();
  if (unknown_ && now - *unknown_ > known_again)
    return "the scheduler does not know job " + job_ + " any more" + tail();
  if (began_ && now >= after(*began_, limits_.launch)) {
    return "job " + job_ + (status.host.empty() ? "" : " on " + status.host) + " has been running for " +
           in_words(limits_.launch) + " (option launch)" + tail();
  }
  if (!began_ && now >= after(submitted_, limits_.queue)) {
    const JobStatus last = watch_.fresh_status(job_);
    if (last.state == JobState::active) return "";
    const std::string problem = watch_.problem();
    return "job " + job_ + " is still " + (problem.empty() ? text_of(last) : "unknown: " + problem) + " after " +
           in_words(limits_.queue) + " (option queue)";
  }
  return "";
}

void LaunchWait::tell(const JobStatus& status) {
  if (Clock::now() - submitted_ < not_worth_telling) return;
  std::string message;
  if (const auto problem = watch_.problem(); !problem.empty())
    message = "job " + job_ + ": its state is not known: " + problem;
  else if (status.state == JobState::queued)
    message = "job " + job_ + ": " + text_of(status) + ", " + count_of_workers();
  else if (status.state == JobState::active && !told_.empty())
    message = "job " + job_ + ": runs" + (status.host.empty() ? "" : " on " + status.host);
  if (message.empty() || message == told_) return;
  say(message);
  told_ = std::move(message);
}

std::string LaunchWait::tail() const {
  const std::string lines = last_lines(output_);
  return lines.empty() ? "" : ". It printed:\n" + lines;
}

std::string LaunchWait::count_of_workers() const {
  return std::to_string(workers_) + (workers_ == 1 ? " worker" : " workers");
}

}  // namespace cohort_batch
