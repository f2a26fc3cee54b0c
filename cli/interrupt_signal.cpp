#include "interrupt_signal.hpp"

#include <poll.h>

#include <atomic>
#include <cerrno>
#include <ctime>

namespace cohort::cli {
namespace {

std::atomic<WakeEvent*> event_to_wake{nullptr};  // set while the handler is installed

/// The same signal sent to the process and to its group, as timeout(1) does, is one wish.
constexpr double seconds_of_one_wish = 0.5;

constexpr int numbers[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP};

double now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::atomic<double> first_signal{0};

void on_signal(int number) {
  const int saved = errno;
  double none = 0;
  if (first_signal.compare_exchange_strong(none, now())) {
    event_to_wake.load()->wake();
  } else if (number != SIGHUP && now() - none > seconds_of_one_wish) {  // the shell and the system may both hang up
    signal(number, SIG_DFL);
    raise(number);
  }
  errno = saved;
}

}  // namespace

InterruptSignal::InterruptSignal() {
  event_to_wake = &event_;
  first_signal = 0;
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (int i = 0; i < 4; i++) {
    sigaction(numbers[i], nullptr, &old_[i]);
    if (old_[i].sa_handler != SIG_IGN) sigaction(numbers[i], &action, nullptr);
  }
}

InterruptSignal::~InterruptSignal() {
  for (int i = 0; i < 4; i++) sigaction(numbers[i], &old_[i], nullptr);
}

bool InterruptSignal::caught() const {
  pollfd readable{event_.descriptor(), POLLIN, 0};
  return poll(&readable, 1, 0) == 1;
}

}  // namespace cohort::cli
