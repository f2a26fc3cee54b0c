#include "io/loop_handles.hpp"

#include <signal.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include <cohort/error.hpp>

namespace cohort {

struct PollWatcher::Handle {
  uv_poll_t poll;
  std::shared_ptr<Callback> callback;  // shared, so that it outlives a stop() from inside itself
  int events = 0;

  static void on_event(uv_poll_t* poll, int status, int occurred) {
    auto* handle = static_cast<Handle*>(poll->data);
    auto hold = handle->callback;
    const bool broken = status < 0 || (occurred & UV_DISCONNECT) != 0;
    guard_loop([&] { (*hold)(broken || (occurred & UV_READABLE) != 0, (occurred & UV_WRITABLE) != 0); });
    // libuv stops watching a socket that has an error, but there may be data to read before that is met.
    if (status < 0 && !uv_is_closing(reinterpret_cast<uv_handle_t*>(poll)))
      uv_poll_start(poll, handle->events, on_event);
  }
};

void PollWatcher::watch(Reactor& reactor, int descriptor, bool readable, bool writable, Callback callback) {
  if (handle_ == nullptr) {
    handle_ = new Handle{{}, std::make_shared<Callback>(std::move(callback)), 0};
    if (const int error = uv_poll_init(reactor.loop(), &handle_->poll, descriptor); error != 0) {
      delete std::exchange(handle_, nullptr);
      throw Error(std::string("descriptor ") + std::to_string(descriptor) +
                  " cannot be watched: " + uv_strerror(error));
    }
    handle_->poll.data = handle_;
  }
  handle_->events = (readable ? UV_READABLE | UV_DISCONNECT : 0) | (writable ? UV_WRITABLE : 0);
  uv_poll_start(&handle_->poll, handle_->events, Handle::on_event);
}

void PollWatcher::stop() {
  if (handle_ == nullptr) return;
  uv_poll_stop(&handle_->poll);
  uv_close(reinterpret_cast<uv_handle_t*>(&std::exchange(handle_, nullptr)->poll),
           [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

struct Timer::WithoutDescriptor {
  uv_timer_t timer;
  std::shared_ptr<std::function<void()>> callback;  // shared, so that it outlives a stop() from inside itself

  static void on_time(uv_timer_t* timer) {
    auto hold = static_cast<WithoutDescriptor*>(timer->data)->callback;
    guard_loop(*hold);
  }
};

void Timer::start(Reactor& reactor, Duration after, std::function<void()> callback, Duration repeat) {
  stop();
  if (after == never) return;
  const auto shared = std::make_shared<std::function<void()>>(std::move(callback));
  if (start_descriptor(reactor, after, shared, repeat)) return;
  const auto milliseconds_of = [](Duration duration) {
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(duration).count(), 0));
  };
  without_descriptor_ = new WithoutDescriptor{{}, shared};
  uv_timer_t* const timer = &without_descriptor_->timer;
  uv_timer_init(reactor.loop(), timer);
  timer->data = without_descriptor_;
  uv_update_time(reactor.loop());
  uv_timer_start(timer, WithoutDescriptor::on_time, milliseconds_of(after), milliseconds_of(repeat));
}

// A timer of its own in the kernel. With one of libuv's, every epoll_wait would carry a timeout, and setting that up
// and taking it down costs as much as a tenth of a small call's time. @return false: there is no descriptor for it.
bool Timer::start_descriptor(Reactor& reactor, Duration after, const std::shared_ptr<std::function<void()>>& callback,
                             Duration repeat) {
  descriptor_ = FileDescriptor(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!descriptor_) return false;
  const auto timespec_of = [](Duration duration) {
    const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
    return timespec{nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
  };
  const Duration at_least = std::chrono::nanoseconds(1);  // zero would disarm it
  const itimerspec times{repeat > Duration::zero() ? timespec_of(repeat) : timespec{},
                         timespec_of(std::max(after, at_least))};
  timerfd_settime(descriptor_.get(), 0, &times, nullptr);
  try {
    watcher_.watch(reactor, descriptor_.get(), true, false, [descriptor = descriptor_.get(), callback](bool, bool) {
      std::uint64_t expirations = 0;
      if (read(descriptor, &expirations, sizeof expirations) == sizeof expirations) (*callback)();
    });
  } catch (const Error&) {
    descriptor_.reset();
    return false;
  }
  return true;
}

void Timer::stop() {
  watcher_.stop();
  descriptor_.reset();
  if (without_descriptor_ == nullptr) return;
  uv_close(reinterpret_cast<uv_handle_t*>(&std::exchange(without_descriptor_, nullptr)->timer),
           [](uv_handle_t* handle) { delete static_cast<WithoutDescriptor*>(handle->data); });
}

struct SignalWatcher::Handle {
  uv_signal_t signal;
  std::function<void()> callback;
};

void SignalWatcher::watch(Reactor& reactor, int number, std::function<void()> callback) {
  struct sigaction now {};
  if (handle_ != nullptr || ::sigaction(number, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) return;
  handle_ = new Handle{{}, std::move(callback)};
  if (uv_signal_init(reactor.loop(), &handle_->signal) != 0) {  // no descriptors
    delete std::exchange(handle_, nullptr);
    return;
  }
  handle_->signal.data = handle_;
  uv_signal_start(
      &handle_->signal, [](uv_signal_t* signal, int) { static_cast<Handle*>(signal->data)->callback(); }, number);
}

void SignalWatcher::stop() {
  if (handle_ == nullptr) return;
  uv_close(reinterpret_cast<uv_handle_t*>(&std::exchange(handle_, nullptr)->signal),
           [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

}  // namespace cohort
