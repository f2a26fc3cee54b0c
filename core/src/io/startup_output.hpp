#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace cohort {

/// How many bytes of a worker's line a message contains; `cohort` prints the whole line when it arrives.
inline constexpr std::size_t longest_quoted_line = 1000;

/// The output of a worker before the line with its address: stored to be printed after that line, or with the failure.
class StartupOutput {
 public:
  struct Line {
    bool is_stderr;
    std::string text;
  };

  void add(bool is_stderr, std::string_view line);
  /// So much was printed to standard output that the address will not come any more.
  bool unexpected() const { return stdout_lines_ > max_stdout_lines || stdout_bytes_ > max_bytes; }
  /// Standard error has no such limit: its oldest lines are dropped.
  bool stderr_overflows() const { return stderr_lines_ > max_stderr_lines || stderr_bytes_ > max_bytes; }
  bool empty() const { return lines_.empty(); }
  /// Removes the oldest line.
  Line take_oldest();
  /// `what`, and the last lines (up to 10) if there are any.
  std::string failure(std::string_view what) const;

 private:
  static constexpr std::size_t max_stdout_lines = 1000;
  static constexpr std::size_t max_stderr_lines = 1000;
  static constexpr std::size_t max_bytes = 1 << 20;
  static constexpr std::size_t shown_lines = 10;

  std::deque<Line> lines_;  // of both, in the order they were read
  std::size_t stdout_lines_ = 0;
  std::size_t stdout_bytes_ = 0;
  std::size_t stderr_lines_ = 0;
  std::size_t stderr_bytes_ = 0;
};

}  // namespace cohort
