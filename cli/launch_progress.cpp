#include "launch_progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <system_error>

#include <fmt/core.h>

#include "exit_code.hpp"
#include "node/master.hpp"
#include "node/session.hpp"
#include "write_all.hpp"

namespace cohort::cli {
namespace {

using namespace std::chrono_literals;

// Most launches are over by then. A log is longer in patience: one line is all that it gets.
constexpr Duration patience_on_terminal = 3s, patience = 10s;

/// workers() has them once their whole launch is over.
std::size_t workers_that_are_up() {
  const auto pids = current_master().node().members().pids();
  return static_cast<std::size_t>(std::count_if(pids.begin(), pids.end(), [](Pid pid) { return pid != master_pid; }));
}

std::string text_of(std::optional<std::size_t> wanted, Duration elapsed) {
  const std::string of_wanted = wanted ? fmt::format(" of {}", *wanted) : "";
  return fmt::format("{}{} workers are up after {} s", workers_that_are_up(), of_wanted,
                     std::chrono::duration_cast<std::chrono::seconds>(elapsed).count());
}

}  // namespace

LaunchProgress::LaunchProgress(std::optional<std::size_t> wanted) : wanted_(wanted) {
  try {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  } catch (const std::system_error&) {
    // Without a thread for it nothing is said; the launch itself says what it lacks.
  }
}

LaunchProgress::~LaunchProgress() = default;

void LaunchProgress::run(const std::stop_token& stop) {
  const bool terminal = isatty(STDERR_FILENO) == 1;
  bool drawn = false;
  std::unique_lock lock(mutex_);
  for (auto next = start_ + (terminal ? patience_on_terminal : patience);
       !waiting_.wait_until(lock, stop, next, [] { return false; }); next += 1s) {
    if (stop.stop_requested()) break;
    const std::string text = text_of(wanted_, Clock::now() - start_);
    if (!terminal) return print_message(text + "; the launch goes on");
    write_all(STDERR_FILENO, "\r" + text + "\033[K");
    drawn = true;
  }
  if (drawn) write_all(STDERR_FILENO, "\r\033[K");
}

}  // namespace cohort::cli
