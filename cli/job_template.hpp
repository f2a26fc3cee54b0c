#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace cohort::cli {

/// The command of `cohort map`, with GNU parallel's replacement strings:
///   {} the input, {.} without its extension, {/} its last part, {//} its directory, {/.} its last part without
///   extension, {#} the job's number, {%} the slot that runs it; with several sources {1} {2} ... {1/.} one of them.
/// Words stay words: an input with blanks is one argument. With `shell`, the words are joined, inputs are quoted, and
/// `sh -c` runs the result.
class JobTemplate {
 public:
  JobTemplate(std::vector<std::string> words, bool shell);

  /// The argument list of one job. @param inputs one of each source. Positions past the last source stay as they stand.
  std::vector<std::string> expand(const std::vector<std::string>& inputs, std::size_t number, std::size_t slot) const;

 private:
  std::vector<std::string> words_;
  bool shell_;
};

}  // namespace cohort::cli
