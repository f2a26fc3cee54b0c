#include "interrupt_signal.hpp"

#include <poll.h>

#include <atomic>
#include <cerrno>

namespace cohort::cli {
namespace {

std::atomic<WakeEvent*> event_to_wake{nullptr};  // set while the handler is installed

void on_signal(int) {
  const int saved = errno;
  event_to_wake.load()->wake();
  errno = saved;
}

}  // namespace

InterruptSignal::InterruptSignal() {
  event_to_wake = &event_;
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, &old_interrupt_);
  sigaction(SIGTERM, &action, &old_terminate_);
}

InterruptSignal::~InterruptSignal() {
  sigaction(SIGINT, &old_interrupt_, nullptr);
  sigaction(SIGTERM, &old_terminate_, nullptr);
}

bool InterruptSignal::caught() const {
  pollfd readable{event_.descriptor(), POLLIN, 0};
  return poll(&readable, 1, 0) == 1;
}

}  // namespace cohort::cli
