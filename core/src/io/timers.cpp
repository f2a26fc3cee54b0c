#include "io/timers.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <cohort/error.hpp>

#include "base/text.hpp"

namespace cohort {
namespace {
constexpr int rings_a_turn = 1000;  // then the loop has a turn: others wait for answers
}

void Timer::start(Reactor& reactor, Duration after, std::function<void()> callback, Duration repeat) {
  stop();
  if (after == never) return;
  callback_ = std::make_shared<std::function<void()>>(std::move(callback));
  when_ = deadline_after(after);
  repeat_ = repeat;
  reactor.timers().add(*this);
}

void Timer::stop() {
  unlink();
  const auto dropped = std::exchange(callback_, nullptr);  // with it this timer may go
}

Timers::Timers(Reactor& reactor) : descriptor_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
  if (!descriptor_) throw Error("cannot create a timer: " + errno_text(errno), ErrorKind::overloaded);
  watcher_.watch(reactor, descriptor_.get(), true, false, [this](bool, bool) {
    std::uint64_t expirations = 0;
    if (::read(descriptor_.get(), &expirations, sizeof expirations) == sizeof expirations) ring();
  });
}

Timers::~Timers() {
  while (!waiting_.empty()) waiting_.begin()->stop();
  watcher_.stop();
}

void Timers::call_at(Clock::time_point when, std::function<void()> callback) {
  if (when == Clock::time_point::max()) return;
  const auto timer = std::make_shared<Timer>();
  timer->callback_ = std::make_shared<std::function<void()>>([timer, callback = std::move(callback)] { callback(); });
  timer->when_ = when;
  add(*timer);
}

void Timers::add(Timer& timer) {
  waiting_.insert(timer);
  if (timer.when_ < armed_for_) arm();
}

void Timers::arm() {
  armed_for_ = waiting_.begin()->when_;
  // steady_clock is CLOCK_MONOTONIC. A time that has passed rings at once; zero would disarm the timer.
  const auto at = std::max<std::int64_t>(1, Duration(detail::system_time_of(armed_for_).time_since_epoch()).count());
  itimerspec once{};
  once.it_value = {at / 1'000'000'000, at % 1'000'000'000};
  ::timerfd_settime(descriptor_.get(), TFD_TIMER_ABSTIME, &once, nullptr);
}

void Timers::ring() {
  const auto now = Clock::now();
  for (int i = 0; i < rings_a_turn && !waiting_.empty() && waiting_.begin()->when_ <= now; i++) {
    Timer& due = *waiting_.begin();
    due.unlink();
    auto callback = due.callback_;
    if (due.repeat_ > Duration::zero()) {
      const auto next = due.when_ + due.repeat_;
      due.when_ = next > now ? next : now + due.repeat_;  // what was missed is not made up for
      waiting_.insert(due);
    } else {
      due.callback_ = nullptr;
    }
    if (callback != nullptr) guard_loop(*callback);  // here, as the others must ring all the same
  }
  armed_for_ = Clock::time_point::max();
  if (!waiting_.empty()) arm();
}

}  // namespace cohort
