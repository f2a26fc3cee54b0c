#pragma once

#include <boost/intrusive/set.hpp>
#include <functional>
#include <memory>

#include <cohort/file_descriptor.hpp>
#include <cohort/types.hpp>

#include "io/loop_handles.hpp"

namespace cohort {

/// Calls back once, or repeatedly, on the loop. Starting one needs no descriptor. At the end of the reactor it stops.
/// Loop thread only. May be late by the reactor's grace.
class Timer : public boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Timer() = default;
  ~Timer() { stop(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// @param callback short; what it throws is only logged. It may stop or destroy the timer, and start others.
  /// @param after may be `never`.
  void start(Reactor& reactor, Duration after, std::function<void()> callback, Duration repeat = Duration::zero());
  void stop();

 private:
  friend class Timers;
  Clock::time_point when_;
  Duration repeat_ = Duration::zero();
  std::shared_ptr<std::function<void()>> callback_;  // shared, so that it outlives a stop() from inside itself
};

/// The timers of a reactor that run. However many there are, they have one of the kernel's, and so one descriptor: with
/// libuv's timers every epoll_wait would carry a timeout, and setting that up and taking it down costs as much as a
/// tenth of a small call's time. Loop thread only; made and destroyed with the reactor.
class Timers {
 public:
  /// @throws Error there is no descriptor left.
  explicit Timers(Reactor& reactor);
  ~Timers();
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  /// Calls `callback` on the loop when the time has come, as a Timer that nobody has. What has not been called at the
  /// end of the reactor never is.
  void call_at(Clock::time_point when, std::function<void()> callback);

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
  void ring();

  const FileDescriptor descriptor_;
  PollWatcher watcher_;
  Clock::time_point armed_for_ = Clock::time_point::max();
  Waiting waiting_;
};

}  // namespace cohort
