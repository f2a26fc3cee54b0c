#include "job_run.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include <cohort/file_descriptor.hpp>

#include "processes.hpp"

namespace cohort::fake_scheduler {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds longest_pause{100};  // between two looks for what is left
constexpr int cannot_open_output = 53;      // a signal of Slurm, which says so by it

std::string file_in(const std::string& dir, const std::string& file) {
  return file.empty() || file.starts_with('/') ? file : dir + "/" + file;
}

}  // namespace

JobRun::JobRun(Scheduler& scheduler, Job& job) : scheduler_(scheduler), job_(job) {}

JobRun::~JobRun() {
  for (auto* token : {&walltime_, &warning_, &kill_, &sweep_}) scheduler_.timers().cancel(*token);
  if (script_runs_) scheduler_.children().forget(script_);
}

std::string JobRun::mark_prefix() const {
  return scheduler_.directory() + "/" + std::to_string(job_.number) + "." + std::to_string(job_.restarts) + "/";
}

std::string JobRun::spool() const { return scheduler_.directory() + "/job" + std::to_string(job_.number); }

void JobRun::start() {
  start_clocks();
  if (!job_.is_allocation) start_script();
}

void JobRun::start_clocks() {
  const auto limit = job_.spec->walltime;
  if (!limit) return;
  walltime_ = scheduler_.timers().after(*limit, [this] {
    walltime_ = 0;
    end(State::timeout, "TimeLimit", false, scheduler_.dialect().kills_at_once());
  });
  if (const auto& warning = job_.spec->warning) {
    warning_ = scheduler_.timers().after(*limit - warning->before, [this, warning] {
      warning_ = 0;
      signal(warning->signal, warning->batch_only ? Scheduler::Target::script : Scheduler::Target::steps);
    });
  }
}

void JobRun::start_script() {
  std::error_code ignored;
  std::filesystem::create_directory(spool(), ignored);
  const std::string script = spool() + "/script";
  {
    std::ofstream file(script, std::ios::binary | std::ios::trunc);
    file << job_.spec->script;
  }
  ::chmod(script.c_str(), 0700);
  Launch launch = scheduler_.dialect().launch(job_, script, scheduler_);
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (job_.spec->appends || job_.restarts > 0 ? O_APPEND : O_TRUNC);
  const mode_t mode = 0666 & ~job_.spec->umask;
  output_ = file_in(launch.dir, launch.output);
  const std::string error_file = file_in(launch.dir, launch.error);
  const FileDescriptor output(::open(output_.c_str(), flags | O_APPEND, mode));
  const FileDescriptor error(error_file.empty() ? -1 : ::open(error_file.c_str(), flags | O_APPEND, mode));
  const std::string input_file = file_in(launch.dir, launch.input);
  const FileDescriptor input(input_file.empty() ? -1 : ::open(input_file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!output || (!error_file.empty() && !error) || (!input_file.empty() && !input))
    return script_ended(cannot_open_output);
  set_variable(launch.environment, mark_variable, mark(job_.status.places.front().host));
  ProcessSpec process;
  process.command = std::move(launch.command);
  process.dir = launch.dir;
  process.environment = std::move(launch.environment);
  process.umask = job_.spec->umask;
  process.input = input.get();
  process.output = output.get();
  process.error = error ? error.get() : output.get();
  script_ = start_process(process);
  if (script_ < 0) {
    say("error: execve(): " + process.command[0] + ": " + std::generic_category().message(-script_) + "\n");
    return script_ended(2 << 8);
  }
  script_runs_ = true;
  scheduler_.children().watch(script_, [this](int status) {
    script_runs_ = false;
    script_ended(status);
  });
}

void JobRun::script_ended(int wait_status) {
  wait_status_ = wait_status;
  if (!end_) {
    const bool good = wait_status == 0;
    end_ = End{good ? State::completed : State::failed,
               good                       ? "None"
               : WIFSIGNALED(wait_status) ? "JobLaunchFailure"
                                          : "NonZeroExitCode",
               false};
    if (out_of_memory_) end_ = End{State::out_of_memory, "OutOfMemory", false};
    kills_ = true;  // what it left behind has no right to be there
  }
  pause_ = 0ms;
  scheduler_.timers().cancel(sweep_);
  sweep_ = scheduler_.timers().after(0ms, [this] { sweep(); });
}

void JobRun::end(State state, const std::string& reason, bool requeue, bool at_once) {
  if (end_ && !at_once) return;
  end_ = End{state, reason, requeue};
  say(scheduler_.dialect().last_words(job_, state, reason));
  kills_ = kills_ || at_once;
  asked_.clear();
  if (kills_) signal_all(SIGKILL);
  JobStatus status = job_.status;
  status.state = State::completing;
  status.reason = reason;
  scheduler_.set(job_, std::move(status));
  kill_ = scheduler_.timers().after(scheduler_.settings().kill_grace, [this] {
    kill_ = 0;
    kills_ = true;
  });
  scheduler_.timers().cancel(sweep_);
  sweep_ = scheduler_.timers().after(0ms, [this] { sweep(); });
}

void JobRun::say(const std::string& words) {
  if (words.empty() || output_.empty()) return;
  const FileDescriptor file(::open(output_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (file) [[maybe_unused]]
    const auto written = ::write(file.get(), words.data(), words.size());
}

void JobRun::signal_all(int number) {
  for (const auto& process : find_processes(mark_prefix())) ::kill(process.pid, number);
}

void JobRun::signal(int number, Scheduler::Target target) {
  if (target == Scheduler::Target::all) return signal_all(number);
  if (target == Scheduler::Target::script && script_runs_) ::kill(script_, number);
  if (target == Scheduler::Target::steps)
    for (const auto& step : steps_) step->signal(number);
}

void JobRun::kill_host(const std::string& host) {
  for (const auto& process : find_processes(mark(host)))
    if (process.mark == mark(host)) ::kill(process.pid, SIGKILL);
}

void JobRun::look_at_memory() {
  std::map<std::string, std::uint64_t> used;
  const auto processes = find_processes(mark_prefix());
  for (const auto& process : processes) used[process.mark] += process.memory;
  for (const auto& [host, memory] : used) {
    if (memory <= job_.spec->memory || end_) continue;
    if (!scheduler_.dialect().memory_ends_one_process()) return end(State::out_of_memory, "OutOfMemory", false, true);
    out_of_memory_ = true;
    const MarkedProcess* largest = nullptr;
    for (const auto& process : processes)
      if (process.mark == host && (largest == nullptr || process.memory > largest->memory)) largest = &process;
    ::kill(largest->pid, SIGKILL);
  }
}

Step& JobRun::add_step(StepSpec spec, Step::Events events) {
  steps_.push_back(
      std::make_unique<Step>(scheduler_.loop(), scheduler_.children(), std::move(spec), std::move(events)));
  return *steps_.back();
}

void JobRun::remove_step(Step& step) {
  const auto found = std::ranges::find(steps_, &step, &std::unique_ptr<Step>::get);
  if (found == steps_.end()) return;
  // Whoever called may be a function of this step.
  const std::shared_ptr<Step> old = std::move(*found);
  steps_.erase(found);
  scheduler_.timers().after(0ms, [old] {});
  for (const auto& function : std::exchange(waiting_, {})) scheduler_.timers().after(0ms, function);
}

void JobRun::sweep() {
  sweep_ = 0;
  scheduler_.children().reap();
  const auto left = find_processes(mark_prefix());
  if (left.empty())
    for (auto next = steps_.begin(); next != steps_.end();) (*next++)->let_go_of_output();
  if (left.empty() && !script_runs_ && steps_.empty()) return finish();
  for (const auto& process : left)
    if (kills_)
      ::kill(process.pid, SIGKILL);
    else if (asked_.insert(process.pid).second)  // it began while the others were asked
      ::kill(process.pid, SIGTERM);
  if (job_.status.state == State::running) {
    JobStatus status = job_.status;
    status.state = State::completing;
    scheduler_.set(job_, std::move(status));
  }
  pause_ = std::min(longest_pause, std::max(pause_ * 2, 5ms));
  scheduler_.timers().cancel(sweep_);
  sweep_ = scheduler_.timers().after(pause_, [this] { sweep(); });
}

void JobRun::finish() {
  for (auto* token : {&walltime_, &warning_, &kill_, &sweep_}) scheduler_.timers().cancel(*token);
  std::error_code ignored;
  std::filesystem::remove_all(spool(), ignored);
  JobStatus status = job_.status;
  status.state = end_->state;
  status.reason = end_->reason;
  status.wait_status = wait_status_;
  status.end = std::chrono::system_clock::now();
  scheduler_.finished(job_, std::move(status), end_->requeue);
}

}  // namespace cohort::fake_scheduler
