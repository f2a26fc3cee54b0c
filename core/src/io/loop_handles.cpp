#include "io/loop_handles.hpp"

#include <signal.h>

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
