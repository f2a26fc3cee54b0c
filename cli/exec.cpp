// cohort exec: runs a command once on every worker.

#include <poll.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <thread>

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <cohort/cohort.hpp>

#include "cluster_flags.hpp"
#include "command.hpp"
#include "exit_code.hpp"
#include "interrupt_signal.hpp"
#include "job.hpp"
#include "wake_event.hpp"

namespace cohort::cli {
namespace {

struct ExecFlags {
  ClusterFlags cluster;
  bool no_prefix = false;
};

/// @return why the command failed on the worker; empty: it did not.
std::string run_on(Pid worker, const std::vector<std::string>& command) {
  try {
    JobSpec spec;
    spec.command = command;
    spec.stream = true;
    const JobResult result = remotecall_fetch(fn<run_job>, worker, spec);
    return result.succeeded() ? "" : describe_end(result, never);
  } catch (const ProcessExitedException& error) {
    return error.cause();
  } catch (const RemoteException& error) {
    return error.message();
  } catch (const std::exception& error) {
    return error.what();
  }
}

int exec(const ExecFlags& flags, const std::vector<std::string>& command) {
  int argc = 1;
  char name[] = "cohort";
  char* argv[] = {name, nullptr};
  Session session(argc, argv);
  set_line_prefix(!flags.no_prefix);
  const std::vector<Pid> pids = start_workers(flags.cluster);

  const InterruptSignal interrupt_signal;
  std::vector<std::string> failures(pids.size());
  {
    WakeEvent all_ended;
    std::atomic<std::size_t> left = pids.size();
    std::vector<std::jthread> callers;
    for (std::size_t i = 0; i < pids.size(); i++) {
      callers.emplace_back([&, i] {
        failures[i] = run_on(pids[i], command);
        if (--left == 0) all_ended.wake();
      });
    }
    pollfd ends[] = {{interrupt_signal.descriptor(), POLLIN, 0}, {all_ended.descriptor(), POLLIN, 0}};
    while (poll(ends, 2, -1) < 0 && errno == EINTR) {
    }
    // Again and again: a call may still have been on its way to its worker.
    while (interrupt_signal.caught() && left > 0) {
      interrupt(pids);
      poll(&ends[1], 1, 200);
    }
  }
  if (interrupt_signal.caught()) {
    print_message("interrupted");
    return interrupted;
  }
  bool failed = false;
  for (std::size_t i = 0; i < pids.size(); i++) {
    if (failures[i].empty()) continue;
    failed = true;
    print_message(fmt::format("worker {}: {}", pids[i], failures[i]));
  }
  return failed ? operation_failed : ok;
}

}  // namespace

void add_exec(CLI::App& tool, const CommandLine& line, Action& action) {
  auto flags = std::make_shared<ExecFlags>();
  CLI::App* command = tool.add_subcommand("exec", "Run a command once on every worker");
  command->prefix_command();
  flags->cluster.add_to(*command);
  command->add_flag("--no-prefix", flags->no_prefix, "Print lines as they are, without the worker they come from");
  command->callback([flags, command, &line, &action] {
    action = [flags, program = other_program(*command, line)] { return exec(*flags, program); };
  });
}

}  // namespace cohort::cli
