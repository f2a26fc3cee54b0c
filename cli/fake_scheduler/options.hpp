#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cohort::fake_scheduler {

/// An option of a command, as getopt_long() has them: "-n 4", "-n4", "--ntasks 4", "--ntasks=4", "--nt=4".
struct OptionRule {
  enum class Value { none, required, optional };
  char letter;            ///< 0: there is only the long form
  std::string_view name;  ///< of the long form, without dashes
  Value value = Value::required;
};

struct GivenOption {
  std::string name;  ///< of the long form
  std::string value;
};

struct GivenOptions {
  std::vector<GivenOption> options;
  std::vector<std::string> rest;  ///< words that are no options, and all after the first of them or after "--"
  std::string error;              ///< as getopt_long() says it: "unrecognized option '--foo'"; empty: none
};

/// @param anywhere options may also stand behind other words.
GivenOptions read_options(const std::vector<std::string>& words, std::span<const OptionRule> rules, bool anywhere);

/// The same for single dashes and whole words, as "-pe smp 4", "-J name[1-9]", "-cwd". A rule's name has no dash; each
/// has `words` values, as separate words, of which the first may be joined to a name of one letter: "-N4".
struct DashRule {
  std::string_view name;
  int words = 1;
};
struct GivenDash {
  std::string name;
  std::vector<std::string> values;
  const std::string& value() const { return values.front(); }
};
struct GivenDashes {
  std::vector<GivenDash> options;
  std::vector<std::string> rest;
  std::string unknown;  ///< the first option that no rule has
  std::string missing;  ///< the first option that has too few values
};
GivenDashes read_dashes(const std::vector<std::string>& words, std::span<const DashRule> rules, bool anywhere = false);

/// The words of the lines of a script that begin with this mark, as "#SBATCH", each line with its number.
struct DirectiveLine {
  int number;
  std::vector<std::string> words;
};
/// @param only_before_commands they end at the first line that is no comment and not empty.
std::vector<DirectiveLine> directives(std::string_view script, std::string_view mark, bool only_before_commands);

}  // namespace cohort::fake_scheduler
