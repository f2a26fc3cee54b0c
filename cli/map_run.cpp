#include "map_run.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/core.h>

#include <cohort/cohort.hpp>
#include <cohort/file_descriptor.hpp>

#include "exit_code.hpp"
#include "output.hpp"
#include "text.hpp"

namespace cohort::cli {
namespace {

constexpr std::size_t jobs_ahead = 1000;                           // inputs are turned into jobs no further than that
constexpr auto interrupt_period = std::chrono::milliseconds(200);  // a job may still have been on its way to its worker

double now_in_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool is_member(Pid worker) {
  const auto members = procs();
  return std::find(members.begin(), members.end(), worker) != members.end();
}

/// Puts a tag before each line of texts that may be cut anywhere.
class Tagger {
 public:
  explicit Tagger(std::string tag) : tag_(std::move(tag)) {}

  std::string operator()(std::string text) {
    if (tag_.empty()) return text;
    std::string lines;
    for (std::size_t start = 0; start < text.size();) {
      const auto end = std::min(text.find('\n', start), text.size() - 1) + 1;
      if (at_line_start_) lines += tag_;
      lines.append(text, start, end - start);
      at_line_start_ = text[end - 1] == '\n';
      start = end;
    }
    return lines;
  }

 private:
  const std::string tag_;
  bool at_line_start_ = true;
};

/// The inputs of a job as a person may read them, on one line.
std::string shown(const std::vector<std::string>& inputs) {
  std::string text;
  for (const auto& input : inputs) text += (text.empty() ? "" : " ") + input;
  for (std::size_t at = 0; (at = text.find('\n', at)) != text.npos; at += 2) text.replace(at, 1, "\\n");
  return printable(text);
}

}  // namespace

std::string MapRun::Outcome::cause(Duration timeout) const {
  return lost.empty() ? describe_end(result, timeout) : fmt::format("worker {} {}", slot.worker, lost);
}

MapRun::MapRun(const MapSettings& settings, const JobTemplate& command, JobInputs inputs,
               const std::vector<Pid>& workers, const InterruptSignal& interrupt_signal)
    : settings_(settings),
      command_(command),
      workers_(workers),
      interrupt_signal_(interrupt_signal),
      inputs_(std::move(inputs)),
      queue_(workers),
      bar_(settings.progress) {
  if (!settings_.joblog.empty()) joblog_.emplace(settings_.joblog);
}

int MapRun::run() {
  ask_for_hosts();
  while (!over()) {
    try {
      step();
    } catch (...) {  // the jobs that run are still to be ended
      if (!failure_) failure_ = std::current_exception();
      stop(Halt::now);
    }
  }
  if (failure_) {
    bar_.clear();
    std::rethrow_exception(failure_);
  }
  return finish_up();
}

bool MapRun::over() const { return calls_ == 0 && (queue_.stopped() || queue_.finished() || free_.empty()); }

void MapRun::step() {
  if (interrupt_signal_.caught()) stop(Halt::now);
  if (ended_by_us_) interrupt_workers();
  fill_queue();
  hand_out();
  if (!over()) wait_for_events();
}

void MapRun::ask_for_hosts() {
  for (std::size_t i = 0; i < workers_.size(); i++) {
    const Pid worker = workers_[i];
    const auto answered = [this, worker, i](const std::string& host) {
      calls_--;
      hosts_[worker] = host;
      for (std::size_t round = 0; round < static_cast<std::size_t>(settings_.slots); round++)
        free_.push_back({worker, round * workers_.size() + i + 1});
    };
    calls_++;
    try {
      remotecall(fn<host_name>, worker).then([inbox = inbox_, answered](const Future<std::string>& name) {
        std::string host = "-";
        try {
          host = name.fetch();
        } catch (const std::exception&) {
          // The first job will say why.
        }
        inbox->post([answered, host] { answered(host); });
      });
    } catch (const std::exception&) {
      answered("-");
    }
  }
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

void MapRun::hand_out() {
  for (std::size_t left = free_.size(); left > 0 && queue_.waiting() > 0 && !queue_.stopped(); left--) {
    const Slot slot = free_.front();
    free_.pop_front();
    if (!is_member(slot.worker)) {  // it was lost while it had no job of ours: that is no failure of one
      queue_.lose(slot.worker);
    } else if (auto job = queue_.take(slot.worker)) {
      start(slot, std::move(*job));
    } else {
      free_.push_back(slot);
    }
  }
}

void MapRun::start(const Slot& slot, Job job) {
  auto outcome = std::make_shared<Outcome>();
  outcome->command = command_.expand(job.inputs, job.number, slot.number);
  outcome->job = std::move(job);
  outcome->slot = slot;
  outcome->output_id = outputs_.open();
  outcome->start = now_in_seconds();
  JobSpec spec;
  spec.command = outcome->command;
  spec.keep_for = outcome->output_id;
  if (settings_.timeout != never) spec.timeout = settings_.timeout.count();
  calls_++;
  const auto ended = [this, inbox = inbox_, outcome](std::function<JobResult()> answer) {
    inbox->post([this, outcome, answer = std::move(answer)] { end(std::move(*outcome), answer); });
  };
  try {
    remotecall(fn<run_job>, slot.worker, spec).then([ended](const Future<JobResult>& answer) {
      ended([answer] { return answer.fetch(); });
    });
  } catch (...) {
    ended([error = std::current_exception()]() -> JobResult { std::rethrow_exception(error); });
  }
}

void MapRun::end(Outcome outcome, const std::function<JobResult()>& answer) {
  calls_--;
  outcome.result.code = -1;
  try {
    outcome.result = answer();
  } catch (const ProcessExitedException& error) {
    outcome.lost = error.cause();
  } catch (const RemoteException& error) {
    outcome.result.error = error.message();
  } catch (const std::exception& error) {
    outcome.result.error = error.what();
  }
  if (outcome.result.code == -1) outcome.result.seconds = now_in_seconds() - outcome.start;
  outcome.output = outputs_.take(outcome.output_id, std::move(outcome.result.out), std::move(outcome.result.err));
  if (outcome.lost.empty())
    free_.push_back(outcome.slot);
  else
    queue_.lose(outcome.slot.worker);
  settle(std::move(outcome));
}

void MapRun::settle(Outcome outcome) {
  if (!outcome.result.succeeded()) {
    // It is neither done nor failed.
    if (ended_by_us_ && (outcome.result.interrupted || !outcome.result.error.empty() || !outcome.lost.empty()))
      return queue_.finish();
    if (outcome.job.failures < settings_.retries && !queue_.stopped()) {
      if (!outcome.lost.empty()) {
        bar_.clear();
        print_message(fmt::format("{}; job {} is tried again", outcome.cause(settings_.timeout), outcome.job.number));
      }
      outcome.job.failures++;
      outcome.job.failed_on.insert(outcome.slot.worker);
      return queue_.put_back(std::move(outcome.job));
    }
    if (settings_.halt != Halt::never) stop(settings_.halt);
  }
  queue_.finish();
  deliver(std::move(outcome));
}

void MapRun::deliver(Outcome outcome) {
  const JobResult& result = outcome.result;
  ++(result.succeeded() ? done_ : failed_);
  bar_.clear();
  const bool ended_by_itself = result.signal == 0 && !result.timed_out;
  const JoblogEntry entry{
      outcome.job.number,        hosts_[outcome.slot.worker],        outcome.start, result.seconds,
      outcome.output.out_size(), ended_by_itself ? result.code : -1, result.signal, outcome.command};
  early_.emplace(outcome.job.number, std::move(outcome));
  while (!early_.empty() && (!settings_.keep_order || early_.begin()->first == next_to_print_)) {
    const auto next = early_.extract(early_.begin());
    next_to_print_++;
    print(next.mapped());
  }
  if (joblog_) joblog_->add(entry);
}

void MapRun::print(const Outcome& outcome) {
  const std::string inputs = shown(outcome.job.inputs);
  const std::string tag = settings_.tag ? inputs + "\t" : "";
  Tagger tagged_err(tag), tagged_out(tag);
  for (const auto& text : outcome.output.err) write_all(STDERR_FILENO, tagged_err(text.read()));
  if (!outcome.result.succeeded())
    print_message(fmt::format("job {} ({}): {}", outcome.job.number, inputs, outcome.cause(settings_.timeout)));
  for (const auto& text : outcome.output.out) write_results(tagged_out(text.read()));
}

void MapRun::stop(Halt how) {
  if (how == Halt::now) ended_by_us_ = true;
  queue_.stop();
}

void MapRun::wait_for_events() {
  const bool read_more = !queue_.stopped() && queue_.waiting() < jobs_ahead;
  pollfd events[] = {{inbox_->descriptor(), POLLIN, 0},
                     {ended_by_us_ ? -1 : interrupt_signal_.descriptor(), POLLIN, 0},
                     {read_more ? inputs_.descriptor() : -1, POLLIN, 0}};
  auto until = Clock::time_point::max();
  if (bar_.enabled()) until = next_drawing_;
  if (ended_by_us_) until = Clock::now() + interrupt_period;
  const int ready = poll(events, 3, until == Clock::time_point::max() ? -1 : poll_timeout(until));
  if (bar_.enabled() && Clock::now() >= next_drawing_) {
    bar_.update(progress());
    next_drawing_ = Clock::now() + bar_.period();
  }
  if (ready <= 0) return;
  if (events[0].revents != 0) inbox_->run_next();
  if (events[2].revents != 0) inputs_.read_some();
}

Progress MapRun::progress() const { return {done_, failed_, inputs_.total(), Clock::now() - start_}; }

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
  bar_.clear();
  for (const auto& [number, outcome] : early_) print(outcome);
  if (bar_.enabled()) print_message(progress_text(progress(), 200));

  const std::size_t ended = done_ + failed_;
  const auto total = inputs_.total();
  const std::string of_total = total ? fmt::format("{} of {}", ended, *total) : std::to_string(ended);
  const std::string failures = failed_ > 0 ? fmt::format(", {} failed", failed_) : "";
  if (interrupt_signal_.caught()) {
    print_message(fmt::format("interrupted: {} jobs ended{}", of_total, failures));
    return interrupted;
  }
  if (!queue_.stopped() && (!total || ended < *total))
    throw Error(fmt::format("no workers are left: {} jobs ended{}", of_total, failures));
  if (failed_ > 0) {
    const std::string halted = queue_.stopped() ? fmt::format(", stopped after {}", of_total) : "";
    print_message(fmt::format("{} failed{}", plural(failed_, "job"), halted));
  }
  return static_cast<int>(std::min(failed_, most_counted_failures + 1));
}

}  // namespace cohort::cli
