#include "batch_manager.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <random>
#include <system_error>
#include <utility>
#include <vector>

#include <cohort/batch/command.hpp>
#include <cohort/error.hpp>

#include "checked_options.hpp"
#include "job_output.hpp"
#include "launch_wait.hpp"

namespace cohort::batch {
namespace {

using namespace std::chrono_literals;
using cohort::Clock;
using cohort::LaunchParams;
using cohort::ManageOp;
using cohort::Pid;
using cohort::WorkerConfig;
using cohort::detail::MutexLock;

constexpr cohort::Duration shortest_pause = 1s, longest_pause = 30s;  // between two status queries
constexpr cohort::Duration ending_limit = 4s;                         // for a job to have ended, of which a worker has
constexpr int most_submissions = 16;         // one after the other, before something else is looked at
constexpr cohort::Duration text_limit = 2s;  // for a job that goes on to say how that worker did

// A word that no other cluster has: by it everything that is left of this one can be found.
std::string new_name() {
  constexpr char digits[] = "0123456789abcdef";
  std::random_device random;
  std::string name = "cohort-";
  for (int i = 0; i < 10; ++i) name += digits[random() % 16];
  return name;
}

std::optional<Scaler::Limits> scale_limits(const BatchOptions& options) {
  if (!options.max || !options.count) return std::nullopt;
  return Scaler::Limits{.least = *options.count, .most = *options.max, .idle = options.idle};
}

bool has_ip_addresses(const LaunchParams& params) {
  return params.transport_name == "tcp" || params.transport_name == "tls";
}

// The command that a worker runs instead of dialling. All of it is from here: nothing that a worker is told later
// becomes a command.
std::string tunnel_to(const std::string& address, std::string command) {
  constexpr std::string_view place = "{address}";
  if (address.empty()) return command;  // nothing listens in a dry run
  for (auto at = command.find(place); at != command.npos; at = command.find(place, at + address.size()))
    command.replace(at, place.size(), address);
  return command;
}

}  // namespace

BatchManager::BatchManager(const BatchOptions& options, std::unique_ptr<QueueDriver> driver)
    : options_(options),
      driver_(std::move(driver)),
      name_(new_name()),
      directory_(options_.files / name_),
      watch_(*driver_, shortest_pause, longest_pause),
      keeper_(std::make_unique<JobKeeper>(
          watch_, journal_,
          JobKeeper::Actions{.end =
                                 [this](const auto& job) {
                                   end({job});
                                   forget({job});
                                 },
                             .renew = [this](const auto& job) { renew(job); },
                             .copy = [this](const auto& job, int number) { return copy(job, number); }},
          JobKeeper::Limits{.queue = options_.queue,
                            .launch = options_.launch,
                            .walltime = options_.walltime,
                            .drain = options_.drain,
                            .respawn = options_.respawn && !options_.max,  // the scaler does that, too
                            .scale = scale_limits(options_)})) {
  if (!options_.count)
    throw cohort::ConfigError("count: say how many workers there are to be (-p 64); no allocation is here that does");
  if (options_.max && driver_->dialect().cancel_by_name.empty())
    throw cohort::ConfigError(
        "max: within an allocation there are no jobs to be submitted; without it, there are as many workers as the "
        "allocation has room for");
  refuse_unusable_directory("files", options_.files);
}

BatchManager::~BatchManager() {
  keeper_.reset();  // it submits no more jobs
  MutexLock lock(mutex_);
  const Jobs jobs(jobs_.begin(), jobs_.end());
  jobs_.clear();
  const auto guard = std::exchange(guard_, nullptr);
  const bool in_doubt = is_in_doubt_;
  lock.unlock();
  end(jobs);
  if (in_doubt) end_by_name();
  std::error_code none;
  if (guard != nullptr) std::filesystem::remove_all(directory_, none);
  const MutexLock again(mutex_);
  record_.reset();  // the guard is the last one: as long as something is there, it would remove it
}

void BatchManager::launch(const LaunchParams& params, cohort::LaunchQueue& launched) {
  if (options_.tunnel && params.transport_name != "tcp")
    throw cohort::ConfigError("tunnel: the cluster's transport is '" + params.transport_name +
                              "', and only connections of 'tcp' can be those of a command");
  const int count = static_cast<int>(*options_.count);
  const auto limits = JobStart::Limits{options_.queue, options_.launch.value_or(params.timeout)};
  auto door = std::make_shared<Door>(listen_at(params), [](const WorkerConfig& worker) {
    if (const auto job = job_of(worker); job != nullptr) ++job->arrived;
  });
  const auto kept_params = std::make_shared<const LaunchParams>(params);
  const std::string launch = new_submission();
  std::vector<std::pair<std::string, Jobs>> submissions;
  if (options_.jobs == JobShape::each) {
    for (int i = 1; i <= count; ++i) {
      const std::string name = launch + '-' + std::to_string(i);
      submissions.emplace_back(name, make_jobs(name, door, 1, 1, kept_params));
    }
  } else {
    const bool is_one = options_.jobs == JobShape::one;
    submissions.emplace_back(launch, make_jobs(launch, door, is_one ? 1 : count, is_one ? count : 1, kept_params));
  }
  Jobs jobs;
  for (const auto& [name, of_submission] : submissions)
    jobs.insert(jobs.end(), of_submission.begin(), of_submission.end());
  if (options_.dry_run) {
    std::fputs(driver_->describe(request(submissions[0].first, submissions[0].second)).c_str(), stdout);
    std::fflush(stdout);
    forget(jobs);
    throw cohort::Error("this was a dry run, and nothing was submitted");
  }
  // Who waits longest gives up last, so that the message is the one that knows why.
  const auto latest = cohort::deadline_after(limits.queue);
  const auto margin = limits.launch == cohort::never ? cohort::never : limits.launch + 30s;
  launched.extend(margin > Clock::time_point::max() - latest ? Clock::time_point::max() : latest + margin);
  std::string why;
  try {
    be_guarded();
    door->listen(params);
    door->open(launched, count);
    for (const auto& [name, of_submission] : submissions) submit(name, of_submission);
    journal_.note((jobs.size() == 1 ? "job " + jobs[0]->id : "jobs " + jobs.front()->id + " to " + jobs.back()->id) +
                  ": submitted for " + std::to_string(count) + (count == 1 ? " worker" : " workers"));
    why = LaunchWait(watch_, *door, journal_, jobs, cohort::enough_workers(params, count), limits).run(params.stop);
  } catch (...) {
    door->end_launch();
    end(jobs);
    forget(jobs);
    throw;
  }
  const auto missing = door->end_launch();
  if (!why.empty()) launched.fail(why, static_cast<int>(missing));
  if ((missing == count && !why.empty()) || params.stop.stop_requested()) {
    end(jobs);
    forget(jobs);
    return;
  }
  for (const auto& job : jobs) {  // those that are missing may still come
    job->launching = false;
    keeper_->add(job);
  }
}

std::string BatchManager::new_submission() {
  const MutexLock lock(mutex_);
  return std::to_string(++launches_);
}

// Their workers join by the door of that one, whenever they come.
BatchManager::Jobs BatchManager::copy(const std::shared_ptr<BatchJob>& job, int number) {
  const int at_once = options_.jobs == JobShape::array ? number : 1;
  Jobs all;
  for (int submitted = 0; submitted < std::min(number, most_submissions); submitted += at_once) {
    const std::string name = new_submission();
    const Jobs jobs = make_jobs(name, job->door, at_once, job->workers, job->params);
    for (const auto& one : jobs) one->launching = false;
    try {
      submit(name, jobs);
    } catch (...) {
      forget(jobs);
      if (all.empty()) throw;
      return all;
    }
    all.insert(all.end(), jobs.begin(), jobs.end());
  }
  return all;
}

// The scheduler may start a job once more, and does not wait for us. A step of an allocation starts once.
void BatchManager::renew(const std::shared_ptr<BatchJob>& job) {
  if (driver_->dialect().cancel_by_name.empty())
    job->remove_join_file();
  else
    write_join_file(job);
}

BatchManager::Jobs BatchManager::make_jobs(const std::string& submission, const std::shared_ptr<Door>& door, int jobs,
                                           int workers, const std::shared_ptr<const LaunchParams>& params) {
  Jobs made;
  const MutexLock lock(mutex_);
  for (int i = 1; i <= jobs; ++i) {
    const std::string name = submission + '-' + std::to_string(i);
    made.push_back(std::make_shared<BatchJob>(door, directory_ / ("join-" + name + ".json"),
                                              directory_ / ("job-" + name + ".out"), workers, params));
    jobs_.insert(made.back());
  }
  return made;
}

std::string BatchManager::listen_at(const LaunchParams& params) const {
  if (options_.listen) return *options_.listen;
  return has_ip_addresses(params) ? "0.0.0.0" : "";
}

JobRequest BatchManager::request(const std::string& submission, const Jobs& jobs) const {
  const LaunchParams& params = *jobs[0]->params;
  JobRequest request;
  request.name = name_;
  request.jobs = static_cast<int>(jobs.size());
  request.workers = jobs[0]->workers;
  request.command.push_back(params.exename);
  request.command.insert(request.command.end(), params.exeflags.begin(), params.exeflags.end());
  request.command.push_back("--cohort-join=-");
  if (has_ip_addresses(params)) request.command.push_back("--bind-to=0.0.0.0");
  if (options_.tunnel)
    request.command.push_back("--cohort-tunnel=" + tunnel_to(jobs[0]->door->address(), *options_.tunnel));
  request.dir = params.dir;
  request.join_file = directory_ / ("join-" + submission + '-');
  request.output = directory_ / ("job-" + submission + '-');
  request.environment = options_.env;
  return request;
}

void BatchManager::submit(const std::string& submission, const Jobs& jobs) {
  JobRequest submitted = request(submission, jobs);
  for (const auto& job : jobs) submitted.join_texts.push_back(write_join_file(job));
  submitted.in_doubt = [this] {
    const MutexLock lock(mutex_);
    is_in_doubt_ = true;
  };
  const auto ids = driver_->submit(submitted);
  if (ids.size() != jobs.size())
    throw cohort::Error("the scheduler was asked for " + std::to_string(jobs.size()) + " jobs, and made " +
                        std::to_string(ids.size()));
  {
    const MutexLock lock(mutex_);
    for (std::size_t i = 0; i < ids.size(); ++i) jobs[i]->id = ids[i];
  }
  for (const JobId& id : ids) watch_.add(id);
}

// Its tokens are new: those of an earlier file are void. @return its text.
std::string BatchManager::write_join_file(const std::shared_ptr<BatchJob>& job) {
  cohort::JoinFile file = job->door->join_file(static_cast<std::size_t>(job->workers), std::weak_ptr(job));
  file.write(job->join_file);
  ++job->files;
  const MutexLock lock(mutex_);
  job->door->revoke(std::exchange(job->tokens, file.tokens));
  return file.text();
}

// The guard comes before all that it would remove, as this process may be killed at any time.
void BatchManager::be_guarded() {
  const MutexLock lock(mutex_);
  if (guard_ != nullptr) return;
  auto guard = std::make_unique<Guard>(driver_->dialect().cancel_by_name, name_, directory_, record_path(name_));
  record_.emplace(driver_->dialect(), name_, directory_);
  if (::mkdir(directory_.c_str(), 0700) != 0) {
    const int error = errno;
    record_.reset();
    throw cohort::Error("cannot make the directory " + directory_.string() + ": " +
                        std::generic_category().message(error) +
                        ". The option 'files' names another place, which the nodes must see, too");
  }
  guard_ = std::move(guard);
  journal_.keep_in(directory_);
}

void BatchManager::signal(const BatchJob& job, const WorkerConfig& config, int number) {
  JobId id;
  {
    const MutexLock lock(mutex_);
    if (!job.ended) id = job.id;
  }
  if (!id.empty() && config.ospid > 1) driver_->signal_worker(id, printed_by(job.output), config.ospid, number);
}

void BatchManager::manage(Pid pid, WorkerConfig& config, ManageOp op) {
  const auto job = job_of(config);
  if (job == nullptr) return;
  if (op == ManageOp::interrupt) signal(*job, config, SIGINT);
  const MutexLock lock(mutex_);
  if (op == ManageOp::finalize) job->gone++;
  if (op == ManageOp::register_worker && !job->ended) keeper_->joined(job, pid);
  if (op == ManageOp::finalize) keeper_->left(job, pid, !config.leaving);
}

// With its job, if it is the last of that.
void BatchManager::kill(Pid, WorkerConfig& config) {
  const auto job = job_of(config);
  if (job == nullptr) return;
  MutexLock lock(mutex_);
  const bool is_alone = job->gone + 1 >= job->arrived && !job->launching;
  lock.unlock();
  if (is_alone)
    end({job});
  else
    signal(*job, config, SIGKILL);
}

std::string BatchManager::exit_cause(Pid, WorkerConfig& config) {
  const auto job = config.leaving ? nullptr : job_of(config);
  if (job == nullptr) return "";
  JobId id;
  {
    const MutexLock lock(mutex_);
    if (job->ended) return "";
    id = job->id;
  }
  const auto deadline = cohort::deadline_after(ending_limit), text_deadline = cohort::deadline_after(text_limit);
  JobStatus status;
  std::string text, trouble;
  for (bool is_first = true;; is_first = false) {
    status = watch_.fresh_status(id);
    const std::string printed = printed_by(job->output);
    text = driver_->end_of_worker(printed, config.ospid);
    // Of a job that runs, the launcher of its workers is to say what it knows. If it does not, their host may be gone.
    const bool goes_on = status.state == JobState::active && !status.ending && text.empty();
    // To ask there takes up to two seconds more, and the core waits for five in all.
    if ((status.state == JobState::queued || (goes_on && !is_first)) && Clock::now() < text_deadline)
      trouble = driver_->trouble_of_host(id, printed, config.ospid);
    // While a job ends, its state is not final.
    const bool may_change =
        (status.ending && Clock::now() < deadline) || (goes_on && trouble.empty() && Clock::now() < text_deadline);
    if (!may_change) break;
  }
  const std::string more = text.empty() ? "" : "; " + text;
  // Whoever reads this asks first for the reason of the job's end, if it is over.
  if (has_ended(status.state)) return "job " + id + ": " + text_of(status) + more;
  if (status.state == JobState::queued)
    return "job " + id + " was taken off its nodes, and is " + text_of(status) + " once more" +
           (trouble.empty() ? "" : "; " + trouble);
  if (status.ending)
    return "job " + id + " is being ended" + (status.reason.empty() ? "" : " (" + status.reason + ')') + more;
  if (text.empty()) text = trouble;
  const bool is_unknown = watch_.is_unknown(id);
  if (text.empty()) return is_unknown ? "the scheduler does not know job " + id + " any more" : "";
  return text + " (job " + id + (is_unknown ? ", which the scheduler does not know any more)" : ")");
}

// nullptr: a stranger, or forgotten.
std::shared_ptr<BatchJob> BatchManager::job_of(const WorkerConfig& config) {
  const auto* job = std::any_cast<std::weak_ptr<BatchJob>>(&config.userdata);
  return job == nullptr ? nullptr : job->lock();
}

// Cancels those for which that was not done.
void BatchManager::end(const Jobs& jobs) noexcept {
  try {
    std::vector<JobId> ids;
    {
      const MutexLock lock(mutex_);
      for (const auto& job : jobs)
        if (!job->ended.exchange(true) && !job->id.empty()) ids.push_back(job->id);
    }
    for (const JobId& id : ids) watch_.remove(id);
    if (!ids.empty()) driver_->cancel(ids);
  } catch (const std::exception& error) {
    may_be_left(error);
  }
}

// Their door is closed when the last call for it has ended; not with the lock held.
void BatchManager::forget(const Jobs& jobs) {
  const MutexLock lock(mutex_);
  for (const auto& job : jobs) {
    job->door->revoke(std::exchange(job->tokens, {}));
    if (keeper_ != nullptr) keeper_->remove(job);
    jobs_.erase(job);
  }
}

// Also those of which nobody knows the ids. As long as the cluster lives they do no harm: what they start is refused,
// because each token is good for once.
void BatchManager::end_by_name() noexcept {
  try {
    run({.words = {"/bin/sh", "-c", driver_->dialect().cancel_by_name, "cohort", name_}});
  } catch (const std::exception& error) {
    may_be_left(error);
  }
}

void BatchManager::may_be_left(const std::exception& error) {
  journal_.say("jobs may be left, their name is " + name_ + ": " + error.what() + ". Later: cohort reap");
  const MutexLock lock(mutex_);
  if (record_) record_->keep();
}

}  // namespace cohort::batch
