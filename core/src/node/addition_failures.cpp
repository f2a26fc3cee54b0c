// What becomes of a worker whose set-up fails, and what the caller of addprocs is told.

#include <fmt/format.h>

#include <algorithm>

#include <cohort/error.hpp>

#include "node/addition.hpp"
#include "node/seconds.hpp"
#include "remote/exception_codec.hpp"

namespace cohort {

void Addition::lost(const Record& record, const std::string& reason) {
  bool established;
  {
    std::lock_guard lock(mutex_);
    established = established_.contains(record->pid);
  }
  fail(record, established ? Step::join : Step::handshake, reason);
}

// Any thread; the first failure of a worker counts.
void Addition::fail(const Record& record, Step step, const std::string& what) {
  {
    std::lock_guard lock(mutex_);
    if (!failed_.insert(record->pid).second) return;
    std::erase(ready_, record);
    if (!established_.contains(record->pid)) connecting_--;
  }
  master_.node().blocking().run([self = shared_from_this(), record, step, what] {
    Master& master = self->master_;
    // Where the core gave a launch command up, it ends by that: its end is no cause.
    const bool ended_first =
        step == Step::announce ? what.starts_with(launch_command_ended) : step != Step::place;  // there it still runs
    const std::string cause = ended_first ? master.exit_cause(*record) : "";
    self->keep_error(std::make_exception_ptr(LaunchError(self->describe(*record, step, what, cause))));
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
std::string Addition::describe(const WorkerRecord& record, Step step, const std::string& what,
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
          command, in_seconds(timeouts_.launch));
      break;
    case Step::connect:
      name = "connect";
      hint = fmt::format(
          "Can this host reach that address: does the worker listen at it, and does a firewall let it through? "
          "timeouts.connect ({}) says how long it may take.",
          in_seconds(timeouts_.connect));
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
                     record.manager_name, name, command, config.host.empty() ? "" : "; host: ", config.host,
                     what.substr(0, line_end), cause.empty() ? "" : " The process: " + cause + ".",
                     what.substr(line_end), hint);
}

void Addition::keep_error(std::exception_ptr error) {
  std::lock_guard lock(mutex_);
  errors_.push_back(std::move(error));
}

}  // namespace cohort
