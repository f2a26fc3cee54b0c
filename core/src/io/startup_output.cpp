#include "io/startup_output.hpp"

#include <algorithm>
#include <utility>

#include <cohort/detail/text.hpp>

namespace cohort {

void StartupOutput::add(bool is_stderr, std::string_view line) {
  lines_.push_back({is_stderr, std::string(line)});
  (is_stderr ? stderr_lines_ : stdout_lines_) += 1;
  (is_stderr ? stderr_bytes_ : stdout_bytes_) += line.size();
}

StartupOutput::Line StartupOutput::take_oldest() {
  Line line = std::move(lines_.front());
  lines_.pop_front();
  (line.is_stderr ? stderr_lines_ : stdout_lines_) -= 1;
  (line.is_stderr ? stderr_bytes_ : stdout_bytes_) -= line.text.size();
  return line;
}

std::string StartupOutput::failure(std::string_view what) const {
  std::string message(what);
  if (lines_.empty()) return message;
  message += "\nThe last lines it printed:";
  const std::size_t count = std::min(lines_.size(), shown_lines);
  for (auto line = lines_.end() - static_cast<std::ptrdiff_t>(count); line != lines_.end(); ++line)
    message.append("\n  ").append(excerpt(line->text, longest_quoted_line));
  return message;
}

}  // namespace cohort
