#include "batch_manager.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <random>
#include <system_error>
#include <utility>
#include <vector>

#include <cohort/error.hpp>

#include "job_output.hpp"
#include "launch_wait.hpp"

namespace cohort_batch {
namespace {

using namespace std::chrono_literals;
using cohort::Clock;
using cohort::LaunchParams;
using cohort::ManageOp;
using cohort::Pid;
using cohort::WorkerConfig;
using cohort::detail::MutexLock;

constexpr cohort::Duration shortest_pause = 1s, longest_pause = 30s;  // between two status queries
constexpr cohort::Duration ending_limit = 2s;                         // for a job to have ended, of which a worker has

// A word that no other cluster has: by it everything that is left of this one can be found.
std::string new_name() {
  constexpr char digits[] = "0123456789abcdef";
  std::random_device random;
  std::string name = "cohort-";
  for (int i = 0; i < 10; ++i) name += digits[random() % 16];
  return name;
}

bool has_ip_addresses(const LaunchParams& params) {
  return params.transport_name == "tcp" || params.transport_name == "tls";
}

}  // namespace

// Its fields are guarded by the manager's mutex_, but for what is const, and the door.
struct BatchManager::Job {
  Job(JobNumber its_number, const std::string& listen, const std::filesystem::path& directory)
      : number(its_number),
        join_file(directory / ("join-" + std::to_string(its_number) + "-1.json")),
        output(directory / ("job-" + std::to_string(its_number) + "-1.out")),
        door(listen, join_file, its_number) {}

  const JobNumber number;
  const std::filesystem::path join_file, output;
  Door door;
  JobId id;               // empty: not submitted yet
  bool launching = true;  // workers may still be on their way
  std::int64_t gone = 0;  // workers that have come and ended
  bool ended = false;     // or cancelled
};

BatchManager::BatchManager(const BatchOptions& options, std::unique_ptr<QueueDriver> driver)
    : options_(options),
      driver_(std::move(driver)),
      name_(new_name()),
      directory_(options_.files / name_),
      watch_(*driver_, shortest_pause, longest_pause) {
  if (!options_.count)
    throw cohort::ConfigError("count: say how many workers there are to be (-p 64); no allocation is here that does");
}

BatchManager::~BatchManager() {
  MutexLock lock(mutex_);
  const auto jobs = std::exchange(jobs_, {});
  const auto guard = std::exchange(guard_, nullptr);
  lock.unlock();
  std::vector<std::shared_ptr<Job>> all;
  for (const auto& [number, job] : jobs) all.push_back(job);
  end(all);
  std::error_code none;
  if (guard != nullptr) std::filesystem::remove_all(directory_, none);
}

void BatchManager::launch(const LaunchParams& params, cohort::LaunchQueue& launched) {
  const std::int64_t count = *options_.count;
  const LaunchWait::Limits limits{options_.queue, options_.launch.value_or(params.timeout)};
  auto job = make_job(params);
  if (options_.dry_run) {
    std::fputs(driver_->describe(request(*job, params)).c_str(), stdout);
    std::fflush(stdout);
    forget(job);
    throw cohort::Error("this was a dry run, and nothing was submitted");
  }
  // Who waits longest gives up last, so that the message is the one that knows why.
  const auto latest = cohort::deadline_after(limits.queue);
  const auto margin = limits.launch == cohort::never ? cohort::never : limits.launch + 30s;
  launched.extend(margin > Clock::time_point::max() - latest ? Clock::time_point::max() : latest + margin);
  std::string why;
  try {
    be_guarded();
    job->door.open(params, launched, count);
    submit(*job, request(*job, params));
    why = LaunchWait(watch_, job->door, job->id, count, limits, job->output).run(params.stop);
  } catch (...) {
    job->door.end_launch();
    end({job});
    forget(job);
    throw;
  }
  const auto missing = job->door.end_launch();
  {
    const MutexLock lock(mutex_);
    job->launching = false;
  }
  if (missing > 0) launched.fail(why, static_cast<int>(missing));
  if (missing == count || params.stop.stop_requested()) {
    end({job});
    forget(job);
  } else {
    end_if_over(job);  // otherwise those that are missing may still come
  }
}

std::shared_ptr<BatchManager::Job> BatchManager::make_job(const LaunchParams& params) {
  const MutexLock lock(mutex_);
  auto job = std::make_shared<Job>(next_, listen_at(params), directory_);
  jobs_.emplace(next_++, job);
  return job;
}

std::string BatchManager::listen_at(const LaunchParams& params) const {
  if (options_.listen) return *options_.listen;
  return has_ip_addresses(params) ? "0.0.0.0" : "";
}

JobRequest BatchManager::request(const Job& job, const LaunchParams& params) const {
  JobRequest request;
  request.name = name_;
  request.workers = static_cast<int>(*options_.count);
  request.command.push_back(params.exename);
  request.command.insert(request.command.end(), params.exeflags.begin(), params.exeflags.end());
  request.command.push_back("--cohort-join=-");
  if (has_ip_addresses(params)) request.command.push_back("--bind-to=0.0.0.0");
  request.dir = params.dir;
  request.join_file = directory_ / ("join-" + std::to_string(job.number) + "-");
  if (!options_.dry_run) request.join_texts = {job.door.join_file().text()};
  request.output = directory_ / ("job-" + std::to_string(job.number) + "-");
  request.environment = options_.env;
  return request;
}

void BatchManager::be_guarded() {
  const MutexLock lock(mutex_);
  if (guard_ != nullptr) return;
  if (::mkdir(directory_.c_str(), 0700) != 0)
    throw cohort::Error("cannot make the directory " + directory_.string() + ": " +
                        std::generic_category().message(errno) +
                        ". The option 'files' names another place, which the nodes must see, too");
  guard_ = std::make_unique<Guard>(driver_->dialect().cancel_by_name, name_, directory_);
}

void BatchManager::submit(Job& job, const JobRequest& request) {
  const JobId id = driver_->submit(request).at(0);
  {
    const MutexLock lock(mutex_);
    job.id = id;
  }
  watch_.add(id);
}

void BatchManager::signal(Job& job, const WorkerConfig& config, int number) {
  JobId id;
  {
    const MutexLock lock(mutex_);
    if (!job.ended) id = job.id;
  }
  if (!id.empty() && config.ospid > 1) driver_->signal_worker(id, printed_by(job.output), config.ospid, number);
}

void BatchManager::manage(Pid, WorkerConfig& config, ManageOp op) {
  const auto job = find(config);
  if (job == nullptr) return;
  if (op == ManageOp::interrupt) signal(*job, config, SIGINT);
  if (op != ManageOp::finalize) return;
  {
    const MutexLock lock(mutex_);
    job->gone++;
  }
  end_if_over(job);
}

// When all that have come are gone.
void BatchManager::end_if_over(const std::shared_ptr<Job>& job) {
  const auto arrived = job->door.arrived();
  {
    const MutexLock lock(mutex_);
    if (job->launching || job->gone < arrived) return;
  }
  end({job});
  forget(job);
}

// With its job, if it is the last of that.
void BatchManager::kill(Pid, WorkerConfig& config) {
  const auto job = find(config);
  if (job == nullptr) return;
  const auto arrived = job->door.arrived();
  MutexLock lock(mutex_);
  const bool is_alone = job->gone + 1 >= arrived && !job->launching;
  lock.unlock();
  if (is_alone)
    end({job});
  else
    signal(*job, config, SIGKILL);
}

std::string BatchManager::exit_cause(Pid, WorkerConfig& config) {
  const auto job = config.leaving ? nullptr : find(config);
  if (job == nullptr) return "";
  JobId id;
  {
    const MutexLock lock(mutex_);
    if (job->ended) return "";
    id = job->id;
  }
  const auto deadline = cohort::deadline_after(ending_limit);
  JobStatus status;
  std::string text;
  do {
    status = watch_.fresh_status(id);
    text = driver_->end_of_worker(printed_by(job->output), config.ospid);
    // While a job ends, its state is not final. Of one that runs, the launcher of its workers is to say what it knows.
  } while ((status.ending || (status.state == JobState::active && text.empty())) && Clock::now() < deadline);
  // Whoever reads this asks first for the reason of the job's end, if it is over.
  if (has_ended(status.state)) return "job " + id + ": " + text_of(status) + (text.empty() ? "" : "; " + text);
  return text.empty() ? "" : text + " (job " + id + ")";
}

// nullptr: a stranger, or forgotten.
std::shared_ptr<BatchManager::Job> BatchManager::find(const WorkerConfig& config) {
  const JobNumber* number = std::any_cast<JobNumber>(&config.userdata);
  const MutexLock lock(mutex_);
  const auto found = number == nullptr ? jobs_.end() : jobs_.find(*number);
  return found == jobs_.end() ? nullptr : found->second;
}

// Cancels those for which that was not done.
void BatchManager::end(const std::vector<std::shared_ptr<Job>>& jobs) noexcept {
  try {
    std::vector<JobId> ids;
    {
      const MutexLock lock(mutex_);
      for (const auto& job : jobs)
        if (!std::exchange(job->ended, true) && !job->id.empty()) ids.push_back(job->id);
    }
    for (const JobId& id : ids) watch_.remove(id);
    if (!ids.empty()) driver_->cancel(ids);
  } catch (const std::exception& error) {
    const std::string line = "cohort: jobs may be left, their name is " + name_ + ": " + error.what() + '\n';
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  }
}

// Its door is closed when the last call for it has ended; not with the lock held.
void BatchManager::forget(const std::shared_ptr<Job>& job) {
  const MutexLock lock(mutex_);
  jobs_.erase(job->number);
}

}  // namespace cohort_batch
