// cohort: the command line tool. Its commands are in the files of their names.

#include <csignal>
#include <exception>
#include <memory>
#include <sstream>
#include <string_view>

#include <CLI/CLI.hpp>

#include <cohort/session.hpp>
#include <cohort/version.hpp>

#include "base/process_settings.hpp"
#include "command.hpp"
#include "command_line.hpp"
#include "exit_code.hpp"
#include "output.hpp"

namespace cohort::cli {
namespace {

class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* command, std::string name) const override {
    std::string text = CLI::Formatter::make_usage(command, name);
    if (!command->get_prefix_command()) return text;
    const bool may_be_left_out = command->get_name() == "worker";
    text.insert(text.find_last_not_of('\n') + 1,
                may_be_left_out ? " [[--] PROGRAM [ARGUMENTS...]]" : " [--] PROGRAM [ARGUMENTS...]");
    return text;
  }
};

int run_tool(int argc, char** argv) {
  occupy_standard_descriptors();
  const CommandLine line = CommandLine::split(argc, argv);
  Action action;
  CLI::App tool("Runs programs, commands and many small jobs on clusters of worker processes", "cohort");
  tool.formatter(std::make_shared<HelpFormatter>());
  tool.set_version_flag("--version", std::string("cohort ") + version(), "Print the version");
  tool.require_subcommand(1);
  tool.failure_message([](const CLI::App*, const CLI::Error& error) { return std::string(error.what()); });
  add_run(tool, line, action);
  add_exec(tool, line, action);
  add_map(tool, line, action);
  add_config(tool, action);
  add_topology(tool, action);
  add_doctor(tool, action);
  add_plugin(tool, action);
  add_worker(tool, line, action);
  add_zmq_broker(tool, action);
  add_completion(tool, action);
  add_version(tool, action);
  add_help(tool, action);
  try {
    tool.parse(std::vector<std::string>(line.ours.rbegin(), line.ours.rend()));  // it wants the last word first
  } catch (const CLI::Success& asked) {                                          // for help, or the version
    std::ostringstream text;
    tool.exit(asked, text, text);
    write_results(text.str());
    return ok;
  } catch (const CLI::ParseError& error) {
    throw UsageError(usage_message(tool, line, error));
  }
  refuse_empty_values(tool);
  return action();
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
