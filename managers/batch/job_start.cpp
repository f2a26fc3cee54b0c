#include "job_start.hpp"

#include <chrono>

#include <cohort/batch/text_parts.hpp>

namespace cohort::batch {
namespace {

using namespace std::chrono_literals;
using cohort::Clock;

constexpr cohort::Duration known_first = 60s;  // by a scheduler whose answers are late
constexpr cohort::Duration known_again = 15s;  // by one that has known it

Clock::time_point after(Clock::time_point time, cohort::Duration duration) {
  return duration > Clock::time_point::max() - time ? Clock::time_point::max() : time + duration;
}

}  // namespace

// A worker's own word counts more than the scheduler's, which may be late. A job that did not come far may be queued
// again.
void JobStart::look(const JobStatus& status, const std::string& problem, int arrived, TimePoint now) {
  if (status.state == JobState::queued && arrived == 0) began_.reset();
  if (!began_ && (status.state == JobState::active || arrived > 0)) began_ = now;
  was_known_ |= status.state != JobState::unknown;
  if (status.state != JobState::unknown || !problem.empty())
    unknown_since_.reset();
  else if (!unknown_since_)
    unknown_since_ = now;
}

JobStart::TimePoint JobStart::limit(const Limits& limits) const {
  return began_ ? after(*began_, limits.launch) : after(submitted_, limits.queue);
}

std::string JobStart::why_to_give_up(const JobStatus& status, const std::string& problem, const Limits& limits,
                                     TimePoint now) const {
  if (has_ended(status.state)) return "has ended: " + text_of(status);
  if (unknown_since_ && now - *unknown_since_ > (was_known_ ? known_again : known_first))
    return "is not known to the scheduler" + std::string(was_known_ ? " any more" : "");
  if (now < limit(limits)) return "";
  if (began_)
    return "has been running" + (status.host.empty() ? "" : " on " + status.host) + " for " +
           rough_text(limits.launch) + " (option launch)";
  return "is still " + (problem.empty() ? text_of(status) : "unknown: " + problem) + " after " +
         rough_text(limits.queue) + " (option queue)";
}

}  // namespace cohort::batch
