// cohort worker: joins a cluster whose manager 'elastic' waits for workers.

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <cohort/error.hpp>
#include <cohort/join_file.hpp>

#include "command.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "replace_process.hpp"

namespace cohort::cli {
namespace {

struct WorkerFlags {
  std::string file;
  std::string bind_to;
};

/// The secret is for standard input, and nowhere else.
/// @return the descriptor that it is read from
int put_on_standard_input(const std::string& line) {
  const int descriptor = memfd_create("cohort-cookie", MFD_CLOEXEC);
  if (descriptor < 0 || !write_all(descriptor, line) || lseek(descriptor, 0, SEEK_SET) != 0 ||
      dup2(descriptor, STDIN_FILENO) < 0)
    throw Error("cannot hand the secret over: " + std::generic_category().message(errno));
  return descriptor;
}

int become_worker(const WorkerFlags& flags, const std::vector<std::string>& program) {
  const JoinFile join = JoinFile::read(flags.file);
  std::vector<std::string> command = program;
  if (command.empty()) command.push_back(join.program);
  command.insert(command.end(), join.flags.begin(), join.flags.end());
  if (!join.tokens.empty())
    throw ConfigError(flags.file + ": this join file is for the workers of a job, which the job starts");
  command.push_back("--cohort-join=" + join.address);
  for (const auto& other : join.other_addresses) command.push_back("--cohort-join=" + other);
  if (!flags.bind_to.empty()) command.push_back("--bind-to=" + flags.bind_to);
  if (!join.dir.empty() && chdir(join.dir.c_str()) != 0)
    throw Error("cannot work in " + join.dir + ", as the cluster wants: " + std::generic_category().message(errno));
  const int handover = put_on_standard_input(join.cookie + '\n');
  watch_handover(handover, "'" + command.front() +
                               "' ended without having joined the cluster: nothing in it made a cohort::Session");
  const int status = replace_process(command);
  forget_handover(handover);
  return status;
}

}  // namespace

Command worker_command() {
  auto flags = std::make_shared<WorkerFlags>();
  Command command{.name = "worker", .help = "Join a cluster that waits for workers (manager 'elastic')"};
  command.program = Command::Program::optional;
  command.flags = {
      {.names = "--join",
       .value = &flags->file,
       .help = "The join file that the manager wrote, or '-' for standard input",
       .value_name = "FILE|-",
       .required = true},
      {"--bind-to", &flags->bind_to, "Where to listen for the other workers: ADDRESS[:PORT|:FROM-TO]", "ADDRESS"},
  };
  command.action = [flags](const std::vector<std::string>& program) { return become_worker(*flags, program); };
  return command;
}

}  // namespace cohort::cli
