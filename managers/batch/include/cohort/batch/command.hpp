#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <cohort/error.hpp>
#include <cohort/types.hpp>

namespace cohort::batch {

/// A command of a scheduler.
struct Command {
  std::vector<std::string> words;                       ///< searched in PATH
  std::string input = {};                               ///< its standard input, at most 64 KiB
  cohort::Duration limit = std::chrono::seconds(60);    ///< for its end; a busy scheduler takes long
  std::map<std::string, std::string> environment = {};  ///< in addition to ours; the locale is C in any case
};

/// A command could not be started, has failed, or did not end. The message has the command and what it printed.
class CommandError : public cohort::Error {
 public:
  CommandError(const std::string& message, std::string printed, cohort::ErrorKind kind, std::string output = {})
      : Error(message, kind), printed_(std::move(printed)), output_(std::move(output)) {}
  /// What it wrote to standard error; to standard output, if that is empty.
  const std::string& printed() const { return printed_; }
  /// What it wrote to standard output.
  const std::string& output() const { return output_; }

 private:
  std::string printed_, output_;
};

/// Runs a command to its end. Blocks. @return what it wrote to standard output. @throws CommandError.
std::string run(const Command& command);

}  // namespace cohort::batch
