#include "map_run.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include <fmt/core.h>

#include <cohort/cohort.hpp>
#include <cohort/file_descriptor.hpp>

#include "exit_code.hpp"
#include "plural.hpp"
#include "write_all.hpp"

namespace cohort::cli {
namespace {

constexpr std::size_t jobs_ahead = 1000;                           // inputs are turned into jobs no further than that
constexpr auto interrupt_period = std::chrono::milliseconds(200);  // a job may still have been on its way to its worker
constexpr std::size_t most_counted_failures = 100;

double now_in_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool is_member(Pid worker) {
  const auto members = procs();
  return std::find(members.begin(), members.end(), worker) != members.end();
}

std::string tagged(const std::string& text, const std::string& tag) {
  std::string lines;
  for (std::size_t start = 0; start < text.size();) {
    const auto end = std::min(text.find('\n', start), text.size() - 1) + 1;
    lines += tag;
    lines.append(text, start, end - start);
    start = end;
  }
  return lines;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace

std::string MapRun::Outcome::cause(Duration timeout) const {
  return lost.empty() ? describe_end(result, timeout) : fmt::format("worker {} {}", worker, lost);
}

MapRun::MapRun(const MapSettings& settings, const JobTemplate& command, JobInputs inputs,
               const std::vector<Pid>& workers)
    : settings_(settings),
      command_(command),
      workers_(workers),
      inputs_(std::move(inputs)),
      queue_(workers),
      bar_(settings.progress) {
  if (!settings_.joblog.empty()) joblog_.emplace(settings_.joblog);
}

int MapRun::run() {
  std::vector<std::jthread> threads;
  feeders_ = workers_.size() * static_cast<std::size_t>(settings_.slots);
  std::size_t slot = 1;
  for (int round = 0; round < settings_.slots; round++)
    for (const Pid worker : workers_) threads.emplace_back([this, worker, number = slot++] { feed(worker, number); });
  try {
    while (feeders_ > 0) {
      if (interrupt_signal_.caught()) stop(Halt::now);
      if (ended_by_us_) interrupt_workers();
      fill_queue();
      wait_for_events();
    }
  } catch (...) {
    stop(Halt::now);
    interrupt_workers();
    throw;
  }
  threads.clear();
  return finish_up();
}

void MapRun::fill_queue() {
  if (queue_.stopped()) return;
  while (queue_.waiting() < jobs_ahead) {
    auto inputs = inputs_.next();
    if (!inputs) break;
    Job job;
    job.number = next_number_++;
    job.inputs = std::move(*inputs);
    queue_.add(std::move(job));
  }
  if (inputs_.ended()) queue_.close();
}

void MapRun::wait_for_events() {
  const bool read_more = !queue_.stopped() && queue_.waiting() < jobs_ahead;
  pollfd events[] = {{wake_.descriptor(), POLLIN, 0},
                     {ended_by_us_ ? -1 : interrupt_signal_.descriptor(), POLLIN, 0},
                     {read_more ? inputs_.descriptor() : -1, POLLIN, 0}};
  auto until = Clock::time_point::max();
  if (bar_.enabled()) until = Clock::now() + bar_.period();
  if (ended_by_us_) until = Clock::now() + interrupt_period;
  const int ready = poll(events, 3, until == Clock::time_point::max() ? -1 : poll_timeout(until));
  if (ready == 0) {
    const std::lock_guard lock(mutex_);
    bar_.update(progress());
  }
  if (ready <= 0) return;
  if (events[0].revents != 0) wake_.clear();
  if (events[2].revents != 0) inputs_.read_some();
}

Progress MapRun::progress() { return {done_, failed_, inputs_.total(), Clock::now() - start_}; }

void MapRun::feed(Pid worker, std::size_t slot) {
  std::string host = "-";
  try {
    host = remotecall_fetch(fn<host_name>, worker);
  } catch (const std::exception&) {
    // The first job will say why.
  }
  while (auto job = queue_.take(worker)) {
    wake_.wake();
    if (!is_member(worker)) {  // it was lost while it had no job of ours: that is no failure of this one
      queue_.lose(worker);
      queue_.put_back(std::move(*job));
    } else {
      settle(attempt(worker, slot, host, std::move(*job)));
    }
  }
  --feeders_;
  wake_.wake();
}

MapRun::Outcome MapRun::attempt(Pid worker, std::size_t slot, const std::string& host, Job job) {
  Outcome outcome;
  outcome.command = command_.expand(job.inputs, job.number, slot);
  outcome.job = std::move(job);
  outcome.worker = worker;
  outcome.host = host;
  outcome.start = now_in_seconds();
  try {
    JobSpec spec;
    spec.command = outcome.command;
    if (settings_.timeout != never) spec.timeout = settings_.timeout.count();
    outcome.result = remotecall_fetch(fn<run_job>, worker, spec);
    return outcome;
  } catch (const ProcessExitedException& error) {
    outcome.lost = error.cause();
  } catch (const RemoteException& error) {
    outcome.result.error = error.message();
  } catch (const std::exception& error) {
    outcome.result.error = error.what();
  }
  outcome.result.code = -1;
  outcome.result.seconds = now_in_seconds() - outcome.start;
  return outcome;
}

void MapRun::settle(Outcome outcome) {
  if (!outcome.lost.empty()) queue_.lose(outcome.worker);
  if (outcome.result.succeeded()) {
    deliver(std::move(outcome));
  } else if (ended_by_us_ && (outcome.result.interrupted || !outcome.result.error.empty() || !outcome.lost.empty())) {
    // It is neither done nor failed.
  } else if (outcome.job.failures < settings_.retries && !queue_.stopped()) {
    if (!outcome.lost.empty()) {
      const std::lock_guard lock(mutex_);
      bar_.clear();
      print_message(fmt::format("{}; job {} is tried again", outcome.cause(settings_.timeout), outcome.job.number));
    }
    outcome.job.failures++;
    outcome.job.failed_on.insert(outcome.worker);
    return queue_.put_back(std::move(outcome.job));
  } else {
    deliver(std::move(outcome));
    if (settings_.halt != Halt::never) stop(settings_.halt);
  }
  queue_.finish();
}

void MapRun::deliver(Outcome outcome) {
  const std::lock_guard lock(mutex_);
  const JobResult& result = outcome.result;
  ++(result.succeeded() ? done_ : failed_);
  if (joblog_) {
    const bool ended_by_itself = result.signal == 0 && !result.timed_out;
    joblog_->add({outcome.job.number, outcome.host, outcome.start, result.seconds, result.out.size(),
                  ended_by_itself ? result.code : -1, result.signal, outcome.command});
  }
  bar_.clear();
  if (!settings_.keep_order) return print(outcome);
  early_.emplace(outcome.job.number, std::move(outcome));
  while (!early_.empty() && early_.begin()->first == next_to_print_) {
    print(early_.begin()->second);
    early_.erase(early_.begin());
    next_to_print_++;
  }
}

void MapRun::print(const Outcome& outcome) {
  const std::string inputs = joined(outcome.job.inputs);
  const auto text = [&](const std::string& output) { return settings_.tag ? tagged(output, inputs + "\t") : output; };
  write_all(STDERR_FILENO, text(outcome.result.err));
  if (!outcome.result.succeeded())
    print_message(fmt::format("job {} ({}): {}", outcome.job.number, inputs, outcome.cause(settings_.timeout)));
  if (!output_closed_ && !write_all(STDOUT_FILENO, text(outcome.result.out))) {
    output_closed_ = true;
    stop(Halt::now);
  }
}

void MapRun::stop(Halt how) {
  if (how == Halt::now) ended_by_us_ = true;
  queue_.stop();
  wake_.wake();
}

void MapRun::interrupt_workers() {
  auto members = procs();
  std::erase(members, master_pid);
  try {
    interrupt(members);
  } catch (const std::exception& error) {
    print_message(error.what());
  }
}

int MapRun::finish_up() {
  const std::lock_guard lock(mutex_);
  bar_.clear();
  for (const auto& [number, outcome] : early_) print(outcome);
  if (bar_.enabled()) print_message(progress_text(progress(), 200));

  const std::size_t ended = done_ + failed_;
  const auto total = inputs_.total();
  const std::string of_total = total ? fmt::format("{} of {}", ended, *total) : std::to_string(ended);
  const std::string failures = failed_ > 0 ? fmt::format(", {} failed", failed_) : "";
  if (output_closed_) return output_closed;
  if (interrupt_signal_.caught()) {
    print_message(fmt::format("interrupted: {} jobs ended{}", of_total, failures));
    return interrupted;
  }
  if (!queue_.stopped() && (!total || ended < *total)) {
    print_message(fmt::format("no workers are left: {} jobs ended{}", of_total, failures));
    return operation_failed;
  }
  if (failed_ > 0) {
    const std::string halted = queue_.stopped() ? fmt::format(", stopped after {}", of_total) : "";
    print_message(fmt::format("{} failed{}", plural(failed_, "job"), halted));
  }
  return static_cast<int>(std::min(failed_, most_counted_failures + 1));
}

}  // namespace cohort::cli
