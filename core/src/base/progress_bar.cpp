#include "base/progress_bar.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

namespace cohort {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t bar_cells = 20;

std::size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// A bar that could not be written does no harm.
void write_to_stderr(const std::string& text) {
  [[maybe_unused]] const ssize_t n = write(STDERR_FILENO, text.data(), text.size());
}

/// "45s", "3m20s", "2h05m"
std::string rounded_time(double seconds) {
  const auto whole = static_cast<long long>(std::ceil(std::min(seconds, 1e9)));
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole % 3600 / 60);
}

}  // namespace

std::string progress_text(const Progress& progress, std::size_t width) {
  const std::size_t ended = progress.done + progress.failed;
  std::string text;
  if (progress.total && *progress.total > 0) {
    const std::size_t full = std::min(ended, *progress.total) * bar_cells / *progress.total;
    text = fmt::format("[{:-<{}}] {}/{}", std::string(full, '#'), bar_cells, ended, *progress.total);
  } else {
    text = fmt::format("{} done", ended);
  }
  if (progress.failed > 0) text += fmt::format(", {} failed", progress.failed);
  const double seconds = std::chrono::duration<double>(progress.elapsed).count();
  if (ended > 0 && seconds > 0) {
    const double rate = static_cast<double>(ended) / seconds;
    text += fmt::format(", {:.1f}/s", rate);
    if (progress.total && *progress.total > ended)
      text += fmt::format(", {} left", rounded_time(static_cast<double>(*progress.total - ended) / rate));
  }
  return text.substr(0, width);
}

ProgressBar::ProgressBar(Show show)
    : terminal_(isatty(STDERR_FILENO) == 1),
      enabled_(show == Show::always || (show == Show::on_terminal && terminal_)) {}

Duration ProgressBar::period() const { return terminal_ ? Duration(200ms) : Duration(10s); }

void ProgressBar::update(const Progress& progress) {
  if (!enabled_) return;
  if (!terminal_) return write_to_stderr("cohort: " + progress_text(progress, 200) + "\n");
  write_to_stderr("\r" + progress_text(progress, terminal_width() - 1) + "\033[K");
  drawn_ = true;
}

void ProgressBar::clear() {
  if (!drawn_) return;
  write_to_stderr("\r\033[K");
  drawn_ = false;
}

}  // namespace cohort
