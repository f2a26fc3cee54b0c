// cohort run: starts a program as master of a cluster.

#include <memory>

#include <cohort/error.hpp>

#include "cluster_check.hpp"
#include "cluster_flags.hpp"
#include "command.hpp"
#include "config/handover.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "replace_process.hpp"
#include "text.hpp"

namespace cohort::cli {
namespace {

struct RunFlags {
  ClusterFlags cluster;
  bool launched = false;
  bool dry_run = false;
};

// A `cohort run` inside of another one has a cluster of its own.
void leave_outer_cluster() {
  try {
    static_cast<void>(take_handover());
  } catch (const ConfigError&) {  // it is not there any more
  }
}

int run(RunFlags& flags, const std::vector<std::string>& command) {
  if (flags.launched) flags.cluster.set_manager("--launched", "launched");
  const ClusterFile cluster = flags.cluster.cluster();
  if (flags.dry_run) {
    write_results(effective_json(cluster) + '\n' + shell_join(command) + '\n');
    return ok;
  }
  leave_outer_cluster();
  const int handover = hand_over(cluster.to_json());
  watch_handover(handover, "no workers were started: '" + command.front() +
                               "' ended, and nothing in it made a cohort::Session, which takes the cluster of 'cohort "
                               "run'. To run it on every worker: cohort exec");
  const int status = replace_process(command);
  forget_handover(handover);
  return status;
}

}  // namespace

Command run_command() {
  auto flags = std::make_shared<RunFlags>();
  Command command{.name = "run", .help = "Run a program as the master of a cluster"};
  command.program = Command::Program::required;
  command.flags = flags->cluster.flags();
  command.flags.push_back({"--launched", &flags->launched,
                           "srun or mpiexec starts this many times: rank 0 is the master, the others its workers"});
  command.flags.push_back({"--dry-run", &flags->dry_run, "Print the cluster and the command, and do nothing"});
  command.action = [flags](const std::vector<std::string>& program) { return run(*flags, program); };
  return command;
}

}  // namespace cohort::cli
