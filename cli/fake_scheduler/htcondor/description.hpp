#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cohort::fake_scheduler::htcondor {

/// A submit description: its commands in small letters, and how many processes it queues.
struct Description {
  std::map<std::string, std::string> commands;
  int processes = 1;

  /// With the macros filled in, $(Process) with this number. Empty: it is not there.
  std::string value(std::string_view name, long cluster, int process) const;
  bool is_true(std::string_view name) const;
};

/// @param error gets what condor_submit says against it.
std::optional<Description> parse_description(std::string_view text, std::string& error);

/// The words of `arguments`: within double quotes blanks part them, single quotes group, and a doubled quote is one.
/// Without them blanks part them.
std::vector<std::string> parse_arguments(std::string_view text);

}  // namespace cohort::fake_scheduler::htcondor
