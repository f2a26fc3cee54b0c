#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace cohort::cli {

/// Where the inputs of `cohort map` come from: lists (":::"), files ("::::", -a), or the lines of standard input.
/// Several sources give every combination, the last one changing fastest. Standard input alone is read as it comes, so
/// that jobs start before its end. One thread.
class JobInputs {
 public:
  /// @param words the command, then its sources; the sources are taken out.
  /// @param files given by -a, they come before the other sources; "-" is standard input.
  /// @throws Error for a file that cannot be read.
  JobInputs(std::vector<std::string>& words, const std::vector<std::string>& files);

  /// The inputs of the next job, one of each source; nullopt: none, or none yet.
  std::optional<std::vector<std::string>> next();
  /// Nothing will come any more.
  bool ended() const { return ended_; }
  /// How many there are in all, where that is known.
  std::optional<std::size_t> total() const;

  /// What to poll before read_some(), or -1: next() needs no reading.
  int descriptor() const;
  void read_some();

 private:
  // Lists: position_ counts the combinations.
  std::vector<std::vector<std::string>> sources_;
  std::size_t position_ = 0;
  std::size_t combinations_ = 0;
  bool streaming_ = false;
  // The stream: what was read and not yet given out, and whether its end was read.
  std::string buffer_;
  std::size_t at_ = 0;
  std::size_t given_ = 0;
  bool stream_ended_ = false;
  bool ended_ = false;
};

}  // namespace cohort::cli
