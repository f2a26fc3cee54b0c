#include "scheduler.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "job_run.hpp"

namespace cohort::fake_scheduler {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds memory_period{100};
constexpr Milliseconds requeue_delay{1000};  // before a job may start again

Time now() { return std::chrono::system_clock::now(); }

}  // namespace

Scheduler::Scheduler(uv_loop_t* loop, Settings settings, Dialect& dialect, std::string directory)
    : loop_(loop),
      settings_(std::move(settings)),
      dialect_(dialect),
      directory_(std::move(directory)),
      timers_(loop),
      children_(loop),
      jobs_(dialect.usual_queue()),
      hosts_(settings_.hosts, settings_.cpus, settings_.memory) {}

Scheduler::~Scheduler() = default;

Scheduler::Refusal Scheduler::refusal() {
  submissions_++;
  const Faults& faults = settings_.faults;
  if (faults.fail_submission > 0 && submissions_ % faults.fail_submission == 0) return Refusal::fault;
  if (faults.queued_jobs > 0 && jobs_.waiting() >= faults.queued_jobs) return Refusal::too_many;
  return Refusal::none;
}

std::vector<Job*> Scheduler::submit(const JobSpec& spec, const std::vector<int>& array_tasks, int at_once) {
  forget_old_jobs();
  auto added = jobs_.add(spec, array_tasks, at_once, false, now());
  for (Job* job : added) dialect_.changed(*job, *this);
  schedule_soon();
  return added;
}

Job& Scheduler::allocate(const JobSpec& spec) {
  forget_old_jobs();
  Job& job = *jobs_.add(spec, {}, 0, true, now()).front();
  schedule_soon();
  return job;
}

void Scheduler::forget_old_jobs() { jobs_.forget_ended_before(now() - settings_.keep); }

void Scheduler::set(Job& job, JobStatus status) {
  if (job.status == status) return;
  jobs_.set(job, std::move(status), now());
  dialect_.changed(job, *this);
  const auto [first, last] = watchers_.equal_range(job.number);
  std::vector<std::function<bool(const Job&)>> watching;
  for (auto next = first; next != last; ++next) watching.push_back(next->second);
  watchers_.erase(first, last);  // one of them may watch another time
  for (auto& changed : watching)
    if (changed(job)) watchers_.emplace(job.number, std::move(changed));
}

void Scheduler::end(Job& job, State state, const std::string& reason, bool requeue) {
  if (has_ended(job.status.state)) return;
  if (JobRun* run = run_of(job))
    return run->end(state, reason, requeue, state == State::node_fail || dialect_.kills_at_once());
  JobStatus status = job.status;
  status.state = state;
  status.reason = reason;
  status.end = now();
  set(job, std::move(status));
  schedule_soon();
}

void Scheduler::release_allocation(Job& job, int wait_status) {
  if (JobRun* run = run_of(job))
    run->script_ended(wait_status);
  else
    end(job, State::cancelled, job.status.reason);
}

void Scheduler::signal(Job& job, int number, Target target) {
  if (JobRun* run = run_of(job)) run->signal(number, target);
}

void Scheduler::hold(Job& job) {
  job.held = true;
  schedule_soon();
}

void Scheduler::release(Job& job) {
  job.held = false;
  schedule_soon();
}

void Scheduler::vanish(Job& job) {
  job.vanished = true;
  if (JobRun* run = run_of(job))
    run->end(State::cancelled, "", false, true);
  else if (!has_ended(job.status.state))
    end(job, State::cancelled, "");
}

void Scheduler::set_host_down(const std::string& name, bool down) {
  Hosts::Host* host = hosts_.find(name);
  if (host == nullptr || host->down == down) return;
  host->down = down;
  std::vector<Job*> hit;
  for (const auto& [number, run] : runs_) {
    Job& job = jobs_.all().at(number);
    if (std::ranges::find(job.status.places, name, &Place::host) != job.status.places.end()) hit.push_back(&job);
  }
  if (down)
    for (Job* job : hit) {
      run_of(*job)->kill_host(name);
      end(*job, State::node_fail, "NodeDown", job->spec->requeue && !job->is_allocation);
    }
  schedule_soon();
}

void Scheduler::set_queue_down(const std::string& name, bool down) {
  if (Queue* queue = jobs_.find_queue(name)) queue->down = down;
  schedule_soon();
}

JobRun* Scheduler::run_of(JobNumber job) {
  const auto found = runs_.find(job);
  return found == runs_.end() ? nullptr : found->second.get();
}

void Scheduler::schedule_soon() {
  timers_.cancel(schedule_);
  schedule_ = timers_.after(0ms, [this] {
    schedule_ = 0;
    schedule();
  });
}

std::string Scheduler::reason_to_wait(const Job& job, bool behind_others) {
  const Queue* queue = jobs_.find_queue(job.spec->queue);
  if (job.held) return "JobHeldUser";
  if (auto reason = dependency_to_wait_for(job); !reason.empty()) return reason;
  if (queue != nullptr && queue->down) return "PartitionDown";
  if (queue != nullptr && queue->longest && job.spec->walltime && *job.spec->walltime > *queue->longest)
    return "PartitionTimeLimit";
  if (!hosts_.could_ever_place(*job.spec)) return "PartitionConfig";
  if (job.eligible && *job.eligible > now()) return "BeginTime";
  if (job.part.at_once > 0) {
    const auto running = std::ranges::count_if(
        runs_, [&](const auto& run) { return jobs_.all().at(run.first).part.array == job.part.array; });
    if (running >= job.part.at_once) return "JobArrayTaskLimit";
  }
  return behind_others ? "Priority" : "";
}

// A job that is not known any more has ended, nobody knows how.
std::string Scheduler::dependency_to_wait_for(const Job& job) {
  for (const auto& [number, successfully] : job.spec->after) {
    for (const Job* other : jobs_.find_all(number)) {
      if (!has_ended(other->status.state)) return "Dependency";
      if (successfully && other->status.state != State::completed) return "DependencyNeverSatisfied";
    }
  }
  return "";
}

void Scheduler::schedule() {
  if (when_all_ended_) return;
  bool full = false;
  std::optional<Time> next;
  for (auto& [number, job] : jobs_.all()) {
    if (job.status.state != State::pending) continue;
    std::string reason = reason_to_wait(job, full);
    if (reason == "BeginTime" && (!next || *job.eligible < *next)) next = job.eligible;
    if (reason.empty()) {
      if (auto places = hosts_.place(*job.spec)) {
        start(job, std::move(*places));
        continue;
      }
      reason = "Resources";
      full = true;
    }
    JobStatus status = job.status;
    status.reason = std::move(reason);
    set(job, std::move(status));
  }
  if (next) {
    timers_.cancel(schedule_);
    schedule_ = timers_.after(std::chrono::ceil<Milliseconds>(*next - now()), [this] {
      schedule_ = 0;
      schedule();
    });
  }
}

void Scheduler::start(Job& job, std::vector<Place> places) {
  hosts_.take(*job.spec, places);
  set(job, {.state = State::running, .reason = "None", .places = std::move(places), .start = now()});
  auto& run = runs_[job.number] = std::make_unique<JobRun>(*this, job);
  run->start();
  if (job.spec->memory > 0 && memory_ == 0) memory_ = timers_.after(memory_period, [this] { look_at_memory(); });
}

void Scheduler::look_at_memory() {
  memory_ = 0;
  bool more = false;
  for (const auto& [number, run] : runs_) {
    if (jobs_.all().at(number).spec->memory == 0) continue;
    run->look_at_memory();
    more = true;
  }
  if (more) memory_ = timers_.after(memory_period, [this] { look_at_memory(); });
}

void Scheduler::finished(Job& job, JobStatus status, bool requeue) {
  hosts_.give_back(*job.spec, job.status.places);
  // Whoever called is a function of this object.
  const std::shared_ptr<JobRun> run = std::move(runs_.extract(job.number).mapped());
  timers_.after(0ms, [run] {});
  if (requeue && !when_all_ended_ && !job.vanished) {
    job.restarts++;
    job.eligible = now() + requeue_delay;
    set(job, {.reason = "BeginTime"});
  } else {
    set(job, std::move(status));
  }
  if (when_all_ended_ && runs_.empty())
    timers_.after(0ms, [this] { std::exchange(when_all_ended_, [] {})(); });
  else
    schedule_soon();
}

void Scheduler::shut_down(std::function<void()> ended) {
  if (when_all_ended_) return;
  when_all_ended_ = std::move(ended);
  timers_.cancel(schedule_);
  for (auto& [number, job] : jobs_.all()) {
    if (JobRun* run = run_of(job))
      run->end(State::cancelled, "", false, false);
    else if (!has_ended(job.status.state))
      end(job, State::cancelled, "");
  }
  timers_.cancel(schedule_);
  if (runs_.empty()) timers_.after(0ms, [this] { std::exchange(when_all_ended_, [] {})(); });
}

}  // namespace cohort::fake_scheduler
