#pragma once

#include <stdexcept>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace cohort::cli {

/// Standard output did not take what was to be printed. report() gives it the exit status that docs/cli.md promises.
class OutputError : public std::runtime_error {
 public:
  /// @param error an errno; 0: not known.
  explicit OutputError(int error);
  /// Nobody reads any more, as with `| head`. There is nobody to tell it to either.
  bool reader_is_gone() const { return reader_is_gone_; }

 private:
  bool reader_is_gone_;
};

/// Writes to standard output what a command found or made. All results go through here (or through std::cout, which
/// close_results() looks at), so that none is lost without a word. Any thread. @throws OutputError.
void write_results(std::string_view text);
/// The same with a JSON document, indented; what is no UTF-8 in it is replaced.
void write_json(const nlohmann::ordered_json& document);

/// The last thing that the tool does: a disk may refuse only now what it took before. Nothing can be printed
/// afterwards. @throws OutputError.
void close_results();

/// Writes the whole text, waiting where the descriptor is full. @return false: it cannot be written, errno says why.
bool write_all(int descriptor, std::string_view text);

/// Whether nobody can read any more what is written there.
bool reader_is_gone(int descriptor);

}  // namespace cohort::cli
