// cohort run: starts a program as master of a cluster.

#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "become.hpp"
#include "cluster_flags.hpp"
#include "command.hpp"
#include "config/handover.hpp"
#include "exit_code.hpp"

namespace cohort::cli {
namespace {

struct RunFlags {
  ClusterFlags cluster;
  bool dry_run = false;
};

int run(const RunFlags& flags, const std::vector<std::string>& command) {
  const std::string cluster = flags.cluster.cluster().to_json();
  if (flags.dry_run) {
    std::cout << cluster << '\n' << shell_join(command) << '\n';
    return ok;
  }
  hand_over(cluster);
  return become(command);
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
