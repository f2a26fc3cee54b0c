#pragma once

#include <functional>

#include "command_line.hpp"

namespace CLI {
class App;
}

namespace cohort::cli {

/// What a command does once its flags are read. @return the tool's exit status.
using Action = std::function<int()>;

/// Each adds one command to the tool. Its `action` is set when the command was on the command line.
void add_run(CLI::App& tool, const CommandLine& line, Action& action);
void add_exec(CLI::App& tool, const CommandLine& line, Action& action);
void add_map(CLI::App& tool, const CommandLine& line, Action& action);
void add_config(CLI::App& tool, Action& action);
void add_topology(CLI::App& tool, Action& action);
void add_doctor(CLI::App& tool, Action& action);
void add_plugin(CLI::App& tool, Action& action);
void add_worker(CLI::App& tool, const CommandLine& line, Action& action);
void add_zmq_broker(CLI::App& tool, Action& action);
void add_completion(CLI::App& tool, Action& action);
void add_version(CLI::App& tool, Action& action);
void add_help(CLI::App& tool, Action& action);
/// `cohort plugin` has commands of its own.
void add_plugin_new(CLI::App& plugin, Action& action);
void add_plugin_test(CLI::App& plugin, Action& action);

}  // namespace cohort::cli
