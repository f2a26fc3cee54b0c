// cohort exec: runs a command once on every worker.

#include <poll.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <cohort/cohort.hpp>

#include "cluster_flags.hpp"
#include "command.hpp"
#include "exit_code.hpp"
#include "interrupt_signal.hpp"
#include "job.hpp"
#include "output.hpp"
#include "wake_event.hpp"

namespace cohort::cli {
namespace {

struct ExecFlags {
  ClusterFlags cluster;
  bool no_prefix = false;
};

/// The name of each worker's host; none at all where that of all of them is this one's.
std::map<Pid, std::string> hosts_of(const std::vector<Pid>& workers) {
  std::map<Pid, std::string> hosts;
  bool elsewhere = false;
  for (const Pid worker : workers) {
    try {
      hosts[worker] = process_info(worker).host;
      elsewhere |= hosts[worker] != host_name();
    } catch (const std::exception&) {
      // Its command will say why.
    }
  }
  return elsewhere ? hosts : std::map<Pid, std::string>();
}

/// @return why the command failed; empty: it did not.
std::string failure_of(const Future<JobResult>& end) {
  try {
    const JobResult& result = end.fetch();
    return result.succeeded() ? "" : describe_end(result, never);
  } catch (const ProcessExitedException& error) {
    return error.cause();
  } catch (const RemoteException& error) {
    return error.message();
  } catch (const std::exception& error) {
    return error.what();
  }
}

/// What the calls set off on other threads, and may do for a moment longer than anybody waits.
struct Events {
  explicit Events(std::size_t calls) : failures(calls), left(calls) {}

  void ended(std::size_t call, std::string failure) {
    failures[call] = std::move(failure);
    if (--left == 0) wake.wake();
  }

  WakeEvent wake;                     // all have ended, or the output is lost
  std::vector<std::string> failures;  // why a call failed; empty: it did not. Written before left counts it
  std::atomic<std::size_t> left;
  std::atomic<int> output_error = 0;  // errno
};

/// The command on every worker: a call for each, all at once, and one thread that waits for their ends, for Ctrl-C, and
/// for standard output to take no more.
class ExecRun {
 public:
  ExecRun(std::vector<Pid> workers, const InterruptSignal& interrupt_signal, bool prefix)
      : workers_(std::move(workers)),
        interrupt_signal_(interrupt_signal),
        hosts_(hosts_of(workers_)),
        events_(std::make_shared<Events>(workers_.size())) {
    set_line_style({prefix, hosts_, [events = events_](int error) {
                      events->output_error = error;
                      events->wake.wake();
                    }});
  }

  /// @return the tool's exit status. @throws OutputError.
  int run(const std::vector<std::string>& command) {
    JobSpec spec;
    spec.command = command;
    spec.stream = true;
    for (std::size_t i = 0; i < workers_.size(); i++) start(i, spec);
    while (events_->left > 0) {
      const bool ending = interrupt_signal_.caught() || events_->output_error != 0;
      if (ending) interrupt(workers_);
      wait(ending);
    }
    if (interrupt_signal_.caught()) {
      print_message("interrupted");
      return interrupted;
    }
    if (events_->output_error != 0) throw OutputError(events_->output_error);
    return report_failures();
  }

 private:
  void start(std::size_t i, const JobSpec& spec) {
    try {
      remotecall(fn<run_job>, workers_[i], spec).then([events = events_, i](const Future<JobResult>& end) {
        events->ended(i, failure_of(end));
      });
    } catch (const std::exception& error) {  // the worker is gone already
      events_->ended(i, error.what());
    }
  }

  // While they are being ended again and again: a call may still have been on its way to its worker.
  void wait(bool ending) {
    pollfd ready[] = {{events_->wake.descriptor(), POLLIN, 0},
                      {ending ? -1 : interrupt_signal_.descriptor(), POLLIN, 0}};
    poll(ready, 2, ending ? interrupt_period : -1);
    if (ready[0].revents != 0) events_->wake.clear();
  }

  int report_failures() const {
    bool failed = false;
    for (std::size_t i = 0; i < workers_.size(); i++) {
      if (events_->failures[i].empty()) continue;
      failed = true;
      print_message(worker_text(workers_[i], hosts_) + ": " + events_->failures[i]);
    }
    return failed ? operation_failed : ok;
  }

  static constexpr int interrupt_period = 200;  // milliseconds

  const std::vector<Pid> workers_;
  const InterruptSignal& interrupt_signal_;
  const std::map<Pid, std::string> hosts_;
  const std::shared_ptr<Events> events_;
};

int exec(const ExecFlags& flags, const std::vector<std::string>& command) {
  int argc = 1;
  char name[] = "cohort";
  char* argv[] = {name, nullptr};
  const InterruptSignal interrupt_signal;
  Session session(argc, argv);
  return ExecRun(start_workers(flags.cluster, interrupt_signal), interrupt_signal, !flags.no_prefix).run(command);
}

}  // namespace

Command exec_command() {
  auto flags = std::make_shared<ExecFlags>();
  Command command{.name = "exec", .help = "Run a command once on every worker"};
  command.program = Command::Program::required;
  command.flags = flags->cluster.flags();
  command.flags.push_back(
      {"--no-prefix", &flags->no_prefix, "Print lines as they are, without the worker they come from"});
  command.action = [flags](const std::vector<std::string>& program) { return exec(*flags, program); };
  return command;
}

}  // namespace cohort::cli
