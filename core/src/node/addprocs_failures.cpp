// What becomes of a worker whose set-up fails, and what the caller of addprocs is told.

#include <fmt/format.h>

#include <algorithm>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "base/durations.hpp"
#include "base/log.hpp"
#include "node/addprocs_call.hpp"
#include "remote/exception_codec.hpp"

namespace cohort {

// What is wrong with the numbers that a manager's launch() wrote; "" for nothing.
std::string AddprocsCall::problem_of(const WorkerConfig& config) {
  const auto problem = [](const char* name, int value, const char* allowed) {
    return fmt::format("Its manager wrote {} = {} into its WorkerConfig; {}.", name, value, allowed);
  };
  if (config.threads < 1) return problem("threads", config.threads, "a worker has at least 1");
  if (config.count < 1) return problem("count", config.count, "at least 1 worker is on a host");
  if (config.port < 0 || config.port > 65535) return problem("port", config.port, "ports are 0 to 65535");
  return "";
}

void AddprocsCall::lost(const Record& record, const std::string& reason) {
  bool established;
  {
    detail::MutexLock lock(mutex_);
    established = established_.contains(record->pid);
  }
  fail(record, established ? Step::join : Step::handshake, Process::may_have_ended, reason);
}

// Any thread; the first failure of a worker counts.
void AddprocsCall::fail(const Record& record, Step step, Process process, const std::string& what) {
  {
    detail::MutexLock lock(mutex_);
    if (!failed_.insert(record->pid).second) return;
    std::erase(ready_, record);
    if (!established_.contains(record->pid)) connecting_--;
  }
  master_.node().blocking().run([self = shared_from_this(), record, step, process, what] {
    Master& master = self->master_;
    const std::string cause = process == Process::may_have_ended ? master.exit_cause(*record) : "";
    self->keep_failure(std::make_exception_ptr(LaunchError(self->describe(*record, step, what, cause))),
                       record->config.count);  // the others would have been started by it
    master.kill(*record);
    master.forget(record);
    master.node().reactor().post([self, record] {
      if (record->connection != nullptr) record->connection->close("its set-up failed");
      self->join_those_ready();
    });
    self->worker_ended();
  });
}

// What happened to whom, in which step, and what to try.
std::string AddprocsCall::describe(const WorkerRecord& record, Step step, const std::string& what,
                                   const std::string& cause) const {
  const WorkerConfig& config = record.config;
  const std::string command = config.exename.empty() ? params_.exename : config.exename;
  std::string name, hint;
  switch (step) {
    case Step::announce:
      name = "announce";
      hint = fmt::format(
          "Is '{}' a program whose main() begins with a cohort::Session, and can it be started there by hand? "
          "timeouts.launch ({}) says how long it may take.",
          excerpt(command), in_seconds(timeouts_.launch));
      break;
    case Step::connect:
      name = "connect";
      hint = fmt::format(
          "Can this host reach that address: does the worker listen at it{}? timeouts.connect ({}) says how long it "
          "may "
          "take.",
          config.port == 0 ? "" : ", and does a firewall let it through", in_seconds(timeouts_.connect));
      break;
    case Step::handshake:
      name = "handshake";
      hint = fmt::format(
          "Is it a worker of this cluster that listens at that address? timeouts.handshake ({}) says how long it may "
          "take.",
          in_seconds(timeouts_.handshake));
      break;
    case Step::join:
      name = "join";
      hint = fmt::format("Does its host have too much to do? timeouts.connect ({}) says how long it may take.",
                         in_seconds(timeouts_.connect));
      break;
    case Step::place:
      name = "place in the topology";
      hint = "Launch fewer workers, or let topology and idents have room for them.";
  }
  const std::size_t line_end = std::min(what.find('\n'), what.size());
  return fmt::format("worker {} of manager '{}' did not come up (step: {}; command: {}{}{}): {}{}{}\n{}", record.pid,
                     excerpt(record.manager_name), name, excerpt(command),
                     config.host.empty() ? "" : "; host: ", excerpt(config.host), what.substr(0, line_end),
                     cause.empty() ? "" : " The process: " + cause + ".", what.substr(line_end), hint);
}

void AddprocsCall::fail(std::string what, int workers) {
  detail::MutexLock lock(mutex_);
  result_.not_launched.push_back(std::move(what));
  result_.missing += workers;
}

void AddprocsCall::keep_failure(std::exception_ptr failure, int workers) {
  detail::MutexLock lock(mutex_);
  result_.failed.push_back(std::move(failure));
  result_.missing += workers;
}

void AddprocsCall::keep_error(std::exception_ptr error) {
  detail::MutexLock lock(mutex_);
  result_.errors.push_back(std::move(error));
}

void AddprocsCall::remove(const std::vector<Pid>& pids) const {
  try {
    master_.rmprocs(pids, {.waitfor = master_.time_to_end()});
  } catch (const std::exception& error) {
    log_warning(error.what());  // why the launch failed matters more
  }
}

// Shows those that are up to all, unless they must go.
void AddprocsCall::throw_if_too_few(AddprocsResult& result) const {
  const int up = static_cast<int>(result.added.size()), wanted = up + result.missing;
  const bool all_known = result.unfinished.empty();  // else a share of all cannot be had
  const bool is_enough = result.errors.empty() && min_ && (all_known || min_->is_number()) && up >= min_->of(wanted);
  if (is_enough || !min_) master_.announce_members(result.added);
  auto& failures = result.failed;
  if (!all_known) failures.push_back(std::make_exception_ptr(LaunchError(result.unfinished)));
  if (result.errors.empty() && result.missing == 0 && all_known) {
    if (is_enough || !min_) return;
    failures.push_back(std::make_exception_ptr(LaunchError(fmt::format(
        "manager '{}' launched {} workers, and all are up, but min says {}", manager_name_, up, min_->text()))));
  }
  if (!result.not_launched.empty()) {
    failures.insert(
        failures.begin(),
        std::make_exception_ptr(LaunchError(fmt::format("manager '{}' could not launch all of its workers:\n  {}",
                                                        manager_name_, fmt::join(result.not_launched, "\n  ")))));
  }
  if (is_enough) {
    std::string text =
        fmt::format("{}{} workers of manager '{}' are up, which is enough (min: {}).", up,
                    all_known ? fmt::format(" of {}", wanted) : std::string(), manager_name_, min_->text());
    for (const auto& failure : failures) text += '\n' + message_of(failure);
    return log_warning(text);
  }
  if (min_) remove(result.added);
  failures.insert(failures.begin(), result.errors.begin(), result.errors.end());
  if (failures.size() == 1) std::rethrow_exception(failures.front());
  throw CompositeException(std::move(failures));
}

}  // namespace cohort
