// cohort run: starts a program as master of a cluster.

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <system_error>

#include <CLI/CLI.hpp>

#include <cohort/error.hpp>

#include "become.hpp"
#include "cluster_flags.hpp"
#include "command.hpp"
#include "exit_code.hpp"
#include "handover_watch.hpp"
#include "results.hpp"
#include "write_all.hpp"

namespace cohort::cli {
namespace {

struct RunFlags {
  ClusterFlags cluster;
  bool dry_run = false;
};

/// Leaves the cluster to the program's Session: a descriptor that it inherits, and the number of it in the environment.
/// The text stays out of argv and out of the environment, which everybody can read or inherits.
/// @return the descriptor.
int hand_over(const std::string& cluster) {
  const int descriptor = memfd_create("cohort-cluster", 0);  // no MFD_CLOEXEC: it is for the program
  if (descriptor < 0 || !write_all(descriptor, cluster))
    throw Error("cannot hand the cluster over: " + std::generic_category().message(errno));
  setenv("COHORT_HANDOVER", std::to_string(descriptor).c_str(), 1);
  return descriptor;
}

int run(const RunFlags& flags, const std::vector<std::string>& command) {
  const std::string cluster = flags.cluster.cluster().to_json();
  if (flags.dry_run) {
    write_results(cluster + '\n' + shell_join(command) + '\n');
    return ok;
  }
  const int handover = hand_over(cluster);
  watch_handover(handover, command.front());
  const int status = become(command);
  forget_handover(handover);
  return status;
}

}  // namespace

void add_run(CLI::App& tool, const CommandLine& line, Action& action) {
  auto flags = std::make_shared<RunFlags>();
  CLI::App* command = tool.add_subcommand("run", "Run a program as the master of a cluster");
  command->prefix_command();
  flags->cluster.add_to(*command);
  command->add_flag("--dry-run", flags->dry_run, "Print the cluster and the command, and do nothing");
  command->callback([flags, command, &line, &action] {
    action = [flags, program = other_program(*command, line)] { return run(*flags, program); };
  });
}

}  // namespace cohort::cli
