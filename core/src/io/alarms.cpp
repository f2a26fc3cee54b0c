#include "io/alarms.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <cohort/error.hpp>

#include "base/errno_text.hpp"

namespace cohort {
namespace {
constexpr int rings_a_turn = 1000;  // then the loop has a turn: others wait for answers
}

Alarms::Alarms(Reactor& reactor) : timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
  if (!timer_) throw Error("cannot create a timer: " + errno_text(errno), ErrorKind::overloaded);
  watcher_.watch(reactor, timer_.get(), true, false, [this](bool, bool) {
    std::uint64_t expirations = 0;
    if (::read(timer_.get(), &expirations, sizeof expirations) == sizeof expirations) ring();
  });
}

void Alarms::set(Clock::time_point when, std::function<void()> callback) {
  if (when == Clock::time_point::max()) return;
  waiting_.emplace(when, std::move(callback));
  if (when < armed_for_) arm();
}

void Alarms::arm() {
  armed_for_ = waiting_.begin()->first;
  // steady_clock is CLOCK_MONOTONIC. A time that has passed rings at once; zero would disarm the timer.
  const auto at = std::max<std::int64_t>(1, std::chrono::nanoseconds(armed_for_.time_since_epoch()).count());
  itimerspec once{};
  once.it_value = {at / 1'000'000'000, at % 1'000'000'000};
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &once, nullptr);
}

void Alarms::ring() {
  const auto now = Clock::now();
  for (int i = 0; i < rings_a_turn && !waiting_.empty() && waiting_.begin()->first <= now; i++) {
    const auto due = waiting_.extract(waiting_.begin());
    guard_loop(due.mapped());  // here, as the others must ring all the same
  }
  armed_for_ = Clock::time_point::max();
  if (!waiting_.empty()) arm();
}

}  // namespace cohort
