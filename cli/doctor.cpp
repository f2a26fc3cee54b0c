// cohort doctor: whether workers can be started on the ssh hosts of a cluster file, or as jobs of a batch system.

#include <memory>
#include <string>
#include <vector>

#include <cohort/error.hpp>

#include "batch_jobs/batch_examination.hpp"
#include "cluster_flags.hpp"
#include "command.hpp"
#include "exit_code.hpp"
#include "find_plugins.hpp"
#include "flag_values.hpp"
#include "output.hpp"
#include "replace_process.hpp"

namespace cohort::cli {
namespace {

struct Flags {
  std::string file;
  std::string program;
  ClusterFlags manager;
  std::string timeout;
  bool quick = false;
  bool json = false;
};

// A program of its own, so that the tool does without libssh.
int become_ssh_doctor(const Flags& flags) {
  const std::string timeout = flags.timeout.empty() ? "30s" : flags.timeout;
  duration("--timeout", timeout);
  std::vector<std::string> words{find_program_beside(PluginKind::manager, "ssh", "cohort-ssh-doctor"), flags.file,
                                 "--timeout=" + timeout};
  if (flags.json) words.emplace_back("--json");
  if (!flags.program.empty()) words.push_back("--program=" + flags.program);
  return replace_process(words);
}

int examine_manager(Flags& flags) {
  const Duration limit = duration("--timeout", flags.timeout.empty() ? "60s" : flags.timeout);
  flags.manager.set_usual_procs("1");
  const auto cluster = flags.manager.cluster();
  const auto report = examine_batch_system(cluster.managers.at(0), !flags.quick, limit);
  write_results(flags.json ? report.json() + '\n' : report.text());
  return report.is_ready() ? ok : operation_failed;
}

int examine(Flags& flags) {
  const bool has_manager = !flags.manager.manager().empty();
  if (flags.file.empty() && !has_manager)
    throw UsageError("'cohort doctor' wants FILE (cluster file), or -m and the manager of a batch system\n" +
                     std::string("See 'cohort help doctor'."));
  if (!flags.file.empty() && (has_manager || !flags.manager.empty() || flags.quick))
    throw UsageError("'cohort doctor' wants a cluster file, or flags about a manager, and not both");
  return has_manager ? examine_manager(flags) : become_ssh_doctor(flags);
}

}  // namespace

Command doctor_command() {
  auto flags = std::make_shared<Flags>();
  Command command{
      .name = "doctor",
      .help = "Look whether workers can be started: on ssh hosts, or as jobs of a batch system",
      .flags = {{"file", &flags->file, "Cluster file, for its ssh hosts", "FILE"},
                {"program", &flags->program,
                 "Program that the workers will run on ssh hosts: is it there, and the same build?", "PROGRAM"},
                {"--json", &flags->json, "Print JSON"},
                {"--timeout", &flags->timeout,
                 "How long to wait for a host (30s); or for a command, a job and a worker each (60s)", "DURATION"},
                {"--quick", &flags->quick, "With -m: submit no job"}},
      .action = [flags](const auto&) { return examine(*flags); }};
  for (auto& flag : flags->manager.manager_flags()) command.flags.push_back(std::move(flag));
  return command;
}

}  // namespace cohort::cli
