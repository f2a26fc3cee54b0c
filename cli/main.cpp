// cohort: the command line tool. Its commands are in the files of their names.

#include <csignal>
#include <exception>
#include <string_view>

#include <cohort/session.hpp>
#include <cohort/version.hpp>

#include "base/process_settings.hpp"
#include "command.hpp"
#include "command_line.hpp"
#include "exit_code.hpp"
#include "output.hpp"

namespace cohort::cli {
namespace {

int run_tool(int argc, char** argv) {
  occupy_standard_descriptors();
  Command tool{.name = "cohort", .help = "Runs programs, commands and many small jobs on clusters of worker processes"};
  tool.commands = {
      run_command(),
      exec_command(),
      map_command(),
      config_command(),
      topology_command(),
      doctor_command(),
      reap_command(),
      explain_command(),
      fake_scheduler_command(),
      plugin_command(),
      worker_command(),
      zmq_broker_command(),
      completion_command(tool),
      version_command(),
      help_command(tool),
  };
  return run_command_line(tool, argc, argv);
}

}  // namespace
}  // namespace cohort::cli

int main(int argc, char** argv) {
  cohort::survive_signal(SIGXFSZ);  // a write beyond `ulimit -f` fails, and says so
  // As a worker the tool serves, and does not come back from here. Its commands make their sessions themselves: most
  // need none, and a session of ours would take out the --cohort-* flags that are meant for the program of `run`.
  if (argc > 1 && std::string_view(argv[1]).starts_with("--cohort-worker")) cohort::Session worker(argc, argv);
  try {
    const int code = cohort::cli::run_tool(argc, argv);
    cohort::cli::close_results();
    return code;
  } catch (...) {
    const int code = cohort::cli::report(std::current_exception());
    return argc > 1 && std::string_view(argv[1]) == "map" ? cohort::cli::map_status(code) : code;
  }
}
