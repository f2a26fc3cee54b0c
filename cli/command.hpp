#pragma once

#include <functional>
#include <string>
#include <variant>
#include <vector>

namespace cohort::cli {

/// A flag of a command, or a word that it takes at a certain place.
struct Flag {
  std::string names;  ///< "-p,--procs"; without dashes: a word
  /// Where what was given is written: a bool if no value follows, a vector if the flag may be repeated.
  std::variant<bool*, std::string*, std::vector<std::string>*> value;
  std::string help;
  std::string value_name = {};  ///< "N|auto"; "bash|zsh|fish": the shell completes these
  bool required = false;
  std::string group = "Options";  ///< the heading in the help

  bool is_word() const { return !names.starts_with('-'); }
  /// Each with its dashes, if it has any.
  std::vector<std::string> all_names() const;
};

/// A command of the tool. command_line.cpp makes the parser of it, completion.cpp what shells complete.
struct Command {
  /// Whether the command takes the words of another program: what begins with the first word that is no flag, and
  /// what follows "--".
  enum class Program { none, optional, required };

  std::string name;
  std::string help;
  std::vector<Flag> flags = {};
  /// Runs once the flags are read. It owns what the flags write to. @return the tool's exit status.
  std::function<int(const std::vector<std::string>& program)> action = {};
  std::vector<Command> commands = {};  ///< one of these is required, if there are any
  Program program = Program::none;
  std::string footer = {};  ///< printed below the help
  /// @return what to write instead of a flag that the command does not have, or "".
  std::string (*advice_for_flag)(const std::string& flag) = nullptr;
};

Command run_command();
Command exec_command();
Command map_command();
Command config_command();
Command topology_command();
Command doctor_command();
Command fake_scheduler_command();
Command reap_command();
Command explain_command();
Command plugin_command();
Command plugin_new_command();
Command plugin_test_command();
Command worker_command();
Command zmq_broker_command();
/// @param tool the tool with all of its commands; it must outlive the command.
Command completion_command(const Command& tool);
Command version_command();
Command help_command(const Command& tool);

}  // namespace cohort::cli
