#pragma once

#include <boost/intrusive/set.hpp>
#include <functional>
#include <memory>

#include <cohort/file_descriptor.hpp>
#include <cohort/types.hpp>

#include "io/loop_handles.hpp"

namespace cohort {

/// Calls back once, or repeatedly, on the loop. Starting a timer needs no descriptor. It stops when the reactor ends.
/// Loop thread only. It may be late by the reactor's grace.
class Timer : public boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Timer() = default;
  ~Timer() { stop(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// @param callback must be short; its exceptions are only logged. It may stop or destroy the timer, and start others.
  /// @param after may be `never`.
  void start(Reactor& reactor, Duration after, std::function<void()> callback, Duration repeat = Duration::zero());
  void stop();

 private:
  friend class Timers;
  Clock::time_point when_;
  Duration repeat_ = Duration::zero();
  std::shared_ptr<std::function<void()>> callback_;  // shared, so that it outlives a stop() from inside itself
};

/// The running timers of a reactor. Together they use one timer of the kernel, and so one descriptor. With libuv's
/// timers every epoll_wait would have a timeout, and setting it costs about a tenth of the time of a small call. Loop
/// thread only; made and destroyed with the reactor.
class Timers {
 public:
  /// @throws Error there is no descriptor left.
  explicit Timers(Reactor& reactor);
  ~Timers();
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  /// Calls `callback` on the loop at that time, without a Timer object. A callback that was not called before the
  /// reactor ends is never called.
  void call_at(Clock::time_point when, std::function<void()> callback);
  /// Only ends the turn of the loop at that time, until `timer` is stopped. The timer of the kernel stays armed then:
  /// who waits again and again with a deadline that is never reached sets it once, and pays nothing for it.
  void wake_at(Timer& timer, Clock::time_point when) {
    timer.when_ = when;
    add(timer);
  }
  /// Calls back what is due. The kernel's timer knows nothing of a clock that a test has moved.
  void ring();

 private:
  friend class Timer;
  struct TimeOf {
    using type = Clock::time_point;
    type operator()(const Timer& timer) const { return timer.when_; }
  };
  using Waiting = boost::intrusive::multiset<Timer, boost::intrusive::key_of_value<TimeOf>,
                                             boost::intrusive::constant_time_size<false>>;

  void add(Timer& timer);
  void arm();

  const FileDescriptor descriptor_;
  PollWatcher watcher_;
  Clock::time_point armed_for_ = Clock::time_point::max();
  Waiting waiting_;
};

}  // namespace cohort
