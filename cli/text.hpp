#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cohort::cli {

/// "1 worker", "4 workers"
template <class Integer>
std::string plural(Integer count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

/// A message as it may go to a terminal, whatever words of files, inputs and other hosts are in it: control characters
/// but tab and line end, and what is no UTF-8, are written as \x1b; a line longer than 2000 bytes and a text longer
/// than 64 KiB are cut, and say so.
std::string printable(std::string_view text);

/// "never, soon or now"
std::string any_of(const std::vector<std::string>& names);

/// The word as a POSIX shell reads it back.
std::string shell_quote(std::string_view word);
/// The words quoted, with blanks between.
std::string shell_join(const std::vector<std::string>& words);

}  // namespace cohort::cli
