#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace cohort::cli {

/// The command of `cohort map`, with GNU parallel's replacement strings:
///   {} the input, {.} without its extension, {/} its last part, {//} its directory, {/.} its last part without
///   extension, {#} the job's number, {%} the slot that runs it; with several sources {1} {2} ... {1/.} one of them.
/// Other words in braces are text. Words stay words: an input with blanks is one argument. With `shell`, the words are
/// joined and `sh -c` runs the result; there inputs are values of variables, so nothing in them is run.
class JobTemplate {
 public:
  /// @param sources how many inputs a job has.
  /// @throws UsageError for a replacement string of a source that there is not, for one of GNU parallel's that there is
  /// not here, and with `shell` for one where no quoted word can stand.
  JobTemplate(std::vector<std::string> words, bool shell, std::size_t sources);

  /// The argument list of one job. @param inputs one of each source.
  std::vector<std::string> expand(const std::vector<std::string>& inputs, std::size_t number, std::size_t slot) const;

 private:
  std::vector<std::string> words_;
  bool shell_;
};

}  // namespace cohort::cli
