#include "scaler.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

#include <cohort/batch/text_parts.hpp>

namespace cohort::batch {
namespace {

using namespace std::chrono_literals;
using cohort::Clock;
using cohort::Demand;
using cohort::Duration;

// As in Dask: for less work a worker more is not worth its start.
constexpr Duration worth_a_worker = 5s;
// A short peak is none: the work may be done by the time a job starts.
constexpr Duration short_for = 2s;
constexpr int failures_in_a_row = 3;
constexpr Duration first_pause_after_failures = 1min, longest_pause_after_failures = 30min;

std::int64_t wanted_by(const Demand& demand) {
  const auto worth = static_cast<std::int64_t>(
      std::ceil(std::chrono::duration<double>(demand.work) / std::chrono::duration<double>(worth_a_worker)));
  const std::int64_t for_maps = std::min(static_cast<std::int64_t>(demand.items), worth);
  return std::max(static_cast<std::int64_t>(demand.callers) + for_maps, static_cast<std::int64_t>(demand.busy.size()));
}

std::string text_of(const Demand& demand) {
  std::string text;
  if (demand.items > 0)
    text = counted(static_cast<std::int64_t>(demand.items), "item") + " of maps (" + rough_text(demand.work) +
           " for one worker)";
  if (demand.callers > 0)
    text += (text.empty() ? "" : ", ") + counted(static_cast<std::int64_t>(demand.callers), "call") +
            " waiting for a worker";
  if (text.empty() && !demand.busy.empty())
    text = "calls at " + counted(static_cast<std::int64_t>(demand.busy.size()), "worker");
  return text.empty() ? "no work" : text;
}

}  // namespace

Scaler::Plan Scaler::plan(const Demand& demand, const std::vector<Job>& jobs, int workers_of_job,
                          Clock::time_point now) {
  Plan plan;
  std::int64_t have = 0, leaving = 0;
  std::set<JobId> known;
  for (const Job& job : jobs) {
    (job.leaving ? leaving : have) += job.workers;
    known.insert(job.id);
  }
  std::erase_if(without_work_since_, [&](const auto& job) { return !known.contains(job.first); });
  const std::int64_t wanted = std::clamp(wanted_by(demand), limits_.least, limits_.most);
  plan.why =
      text_of(demand) + ": " + counted(wanted, "worker") + " wanted, " + std::to_string(have) + " there or coming";
  if (wanted == limits_.most && wanted_by(demand) > wanted) plan.why += " (the most: option max)";

  if (have >= wanted) {
    short_since_.reset();
  } else {
    if (!short_since_) short_since_ = now;
    const std::int64_t needed = (wanted - have + workers_of_job - 1) / workers_of_job;
    const std::int64_t room = std::max<std::int64_t>(0, limits_.most - have - leaving) / workers_of_job;
    if (room == 0 && leaving > 0)
      plan.why += "; " + counted(leaving, "worker") + " must have left first";
    else if (room == 0)
      plan.why += "; another job of " + counted(workers_of_job, "worker") + " would be more than the option max allows";
    else if (!may_submit(now))
      plan.why += "; no job is submitted for another " + rough_text(resume_ - now) + ", since the last " +
                  std::to_string(failures_) + " have failed";
    else if (now - *short_since_ >= short_for)
      plan.submit = static_cast<int>(std::min(needed, room));
  }

  // The newest jobs end first. Those that wait in the queue do before those that run, because a start is worth more.
  std::int64_t stay = have;
  for (const bool queued : {true, false}) {
    for (auto job = jobs.rbegin(); job != jobs.rend(); ++job) {
      if (job->queued != queued || job->leaving) continue;
      const bool could_end = !job->busy && !job->starting && stay - job->workers >= wanted;
      if (!could_end) {
        without_work_since_.erase(job->id);
        continue;
      }
      stay -= job->workers;
      const auto since = without_work_since_.try_emplace(job->id, now).first->second;
      if (now - since < limits_.idle) continue;
      (queued ? plan.cancel : plan.leave).push_back(job->id);
      without_work_since_.erase(job->id);  // if it does not end, it has as much time once more
    }
  }
  return plan;
}

void Scaler::failed(Clock::time_point now) {
  if (!may_submit(now)) return;  // it was submitted before the pause
  if (++failures_ < failures_in_a_row) return;
  const int doublings = std::min(failures_ - failures_in_a_row, 10);
  resume_ = now + std::min<Duration>(longest_pause_after_failures, first_pause_after_failures * (1 << doublings));
}

}  // namespace cohort::batch
