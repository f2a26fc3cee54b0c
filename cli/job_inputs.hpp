#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace cohort::cli {

/// Where the inputs of `cohort map` come from: lists (":::"), files ("::::", -a), or standard input. Several sources
/// give every combination, the last one changing fastest; one that is linked (":::+", "::::+") goes in step with the
/// source before it. Standard input alone is read as it comes, so that jobs start before its end. One thread.
class JobInputs {
 public:
  /// @param words the command, then its sources; the sources are taken out.
  /// @param files given by -a, they come before the other sources; "-" is standard input.
  /// @param separator what ends an input in files and on standard input: '\n' or '\0'.
  /// @throws UsageError for sources that make no sense, Error for a file that cannot be read.
  JobInputs(std::vector<std::string>& words, const std::vector<std::string>& files, char separator = '\n');

  /// How many inputs a job has.
  std::size_t sources() const;
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
  /// Sources that go in step: the n-th inputs of all of them are used together.
  using Linked = std::vector<std::vector<std::string>>;

  void add_source(std::vector<std::string> inputs, bool linked);

  const char separator_;
  // Lists: position_ counts the combinations.
  std::vector<Linked> groups_;
  std::size_t position_ = 0;
  std::size_t combinations_ = 0;
  bool streaming_ = false;
  // The stream: what was read and not yet given out, and whether its end was read.
  std::string buffer_;
  std::size_t at_ = 0;
  std::size_t without_end_ = 0;  // there is no end of an input between at_ and here: one may come in very many reads
  std::size_t given_ = 0;
  bool stream_ended_ = false;
  bool ended_ = false;
};

}  // namespace cohort::cli
