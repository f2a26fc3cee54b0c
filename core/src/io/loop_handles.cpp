#include "io/loop_handles.hpp"

#include <signal.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace cohort {

struct PollWatcher::Handle {
  uv_poll_t poll;
  std::shared_ptr<Callback> callback;  // shared, so that it outlives a stop() from inside itself
  int events = 0;

  static void on_event(uv_poll_t* poll, int status, int occurred) {
    auto* handle = static_cast<Handle*>(poll->data);
    auto hold = handle->callback;
    const bool broken = status < 0 || (occurred & UV_DISCONNECT) != 0;
    (*hold)(broken || (occurred & UV_READABLE) != 0, (occurred & UV_WRITABLE) != 0);
    // libuv stops watching a socket that has an error, but there may be data to read before that is met.
    if (status < 0 && !uv_is_closing(reinterpret_cast<uv_handle_t*>(poll)))
      uv_poll_start(poll, handle->events, on_event);
  }
};

void PollWatcher::watch(Reactor& reactor, int descriptor, bool readable, bool writable, Callback callback) {
  if (handle_ == nullptr) {
    handle_ = new Handle{{}, std::make_shared<Callback>(std::move(callback)), 0};
    if (uv_poll_init(reactor.loop(), &handle_->poll, descriptor) != 0) {
      delete std::exchange(handle_, nullptr);  // not a descriptor that can be polled: its reader will say so
      return;
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

// A timer of its own in the kernel. With one of libuv's, every epoll_wait would carry a timeout, and setting that up
// and taking it down costs as much as a tenth of a small call's time.
void Timer::start(Reactor& reactor, Duration after, std::function<void()> callback, Duration repeat) {
  stop();
  if (after == never) return;
  descriptor_ = FileDescriptor(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!descriptor_) throw std::system_error(errno, std::generic_category(), "cannot create a timer");
  const auto timespec_of = [](Duration duration) {
    const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
    return timespec{nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
  };
  const Duration at_least = std::chrono::nanoseconds(1);  // zero would disarm it
  const itimerspec times{repeat > Duration::zero() ? timespec_of(repeat) : timespec{},
                         timespec_of(std::max(after, at_least))};
  timerfd_settime(descriptor_.get(), 0, &times, nullptr);
  watcher_.watch(reactor, descriptor_.get(), true, false,
                 [descriptor = descriptor_.get(), callback = std::move(callback)](bool, bool) {
                   std::uint64_t expirations = 0;
                   if (read(descriptor, &expirations, sizeof expirations) == sizeof expirations) callback();
                 });
}

void Timer::stop() {
  watcher_.stop();
  descriptor_.reset();
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
