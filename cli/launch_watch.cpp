#include "launch_watch.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <exception>

#include <fmt/core.h>

#include <cohort/detail/tool.hpp>
#include <cohort/file_descriptor.hpp>
#include <cohort/start_thread.hpp>

#include "exit_code.hpp"
#include "output.hpp"

namespace cohort::cli {
namespace {

using namespace std::chrono_literals;

// Most launches are over by then. A log is longer in patience: one line is all that it gets.
constexpr Duration patience_on_terminal = 3s, patience = 10s;

std::string text_of(std::optional<std::size_t> wanted, Duration elapsed) {
  const std::string of_wanted = wanted ? fmt::format(" of {}", *wanted) : "";
  return fmt::format("{}{} workers are up after {} s", detail::joined_workers(), of_wanted,
                     std::chrono::duration_cast<std::chrono::seconds>(elapsed).count());
}

}  // namespace

LaunchWatch::LaunchWatch(const InterruptSignal& interrupt_signal, std::optional<std::size_t> wanted, bool quiet)
    : interrupt_signal_(interrupt_signal), wanted_(wanted), quiet_(quiet) {
  try {
    thread_ = start_thread("watch the launch", [this] { run(); });
  } catch (const std::exception&) {
    // The launch goes on without: it says itself what it lacks, and a second Ctrl-C ends the tool.
  }
}

LaunchWatch::~LaunchWatch() {
  over_.wake();
  if (thread_.joinable()) thread_.join();
}

void LaunchWatch::run() {
  const bool terminal = isatty(STDERR_FILENO) == 1;
  auto next = start_ + (terminal ? patience_on_terminal : patience);
  if (quiet_) next = Clock::time_point::max();
  bool drawn = false;
  while (waits_until(next)) {
    const std::string text = text_of(wanted_, Clock::now() - start_);
    if (terminal) {
      write_all(STDERR_FILENO, "\r" + text + "\033[K");
      drawn = true;
      next += 1s;
    } else {
      print_message(text + "; the launch goes on");
      next = Clock::time_point::max();
    }
  }
  if (drawn) write_all(STDERR_FILENO, "\r\033[K");
}

// False: the launch is over, or is to be.
bool LaunchWatch::waits_until(Clock::time_point time) {
  pollfd ready[] = {{over_.descriptor(), POLLIN, 0}, {interrupt_signal_.descriptor(), POLLIN, 0}};
  int count;
  do {
    count = poll(ready, 2, time == Clock::time_point::max() ? -1 : poll_timeout(time));
  } while (count < 0 && errno == EINTR);
  if (ready[1].revents != 0) stop_.request_stop();
  return count == 0;
}

}  // namespace cohort::cli
