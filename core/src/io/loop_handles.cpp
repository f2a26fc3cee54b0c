#include "io/loop_handles.hpp"

#include <utility>

namespace cohort {

struct PollWatcher::Handle {
  uv_poll_t poll;
  std::shared_ptr<Callback> callback;  // shared, so that it outlives a stop() from inside itself
};

void PollWatcher::watch(Reactor& reactor, int descriptor, bool readable, bool writable, Callback callback) {
  if (handle_ == nullptr) {
    handle_ = new Handle{{}, std::make_shared<Callback>(std::move(callback))};
    if (uv_poll_init(reactor.loop(), &handle_->poll, descriptor) != 0) {
      delete std::exchange(handle_, nullptr);  // not a descriptor that can be polled: its reader will say so
      return;
    }
    handle_->poll.data = handle_;
  }
  const int events = (readable ? UV_READABLE | UV_DISCONNECT : 0) | (writable ? UV_WRITABLE : 0);
  uv_poll_start(&handle_->poll, events, [](uv_poll_t* poll, int status, int occurred) {
    auto hold = static_cast<Handle*>(poll->data)->callback;
    const bool broken = status < 0 || (occurred & UV_DISCONNECT) != 0;
    (*hold)(broken || (occurred & UV_READABLE) != 0, (occurred & UV_WRITABLE) != 0);
  });
}

void PollWatcher::stop() {
  if (handle_ == nullptr) return;
  uv_poll_stop(&handle_->poll);
  uv_close(reinterpret_cast<uv_handle_t*>(&std::exchange(handle_, nullptr)->poll),
           [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

struct Timer::Handle {
  uv_timer_t timer;
  std::shared_ptr<std::function<void()>> callback;
};

void Timer::start(Reactor& reactor, Duration after, std::function<void()> callback, Duration repeat) {
  stop();
  if (after == never) return;
  handle_ = new Handle{{}, std::make_shared<std::function<void()>>(std::move(callback))};
  uv_timer_init(reactor.loop(), &handle_->timer);
  handle_->timer.data = handle_;
  uv_update_time(reactor.loop());
  const auto milliseconds = [](Duration duration) {
    return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
  };
  uv_timer_start(
      &handle_->timer,
      [](uv_timer_t* timer) {
        auto hold = static_cast<Handle*>(timer->data)->callback;
        (*hold)();
      },
      milliseconds(after), milliseconds(repeat));
}

void Timer::stop() {
  if (handle_ == nullptr) return;
  uv_timer_stop(&handle_->timer);
  uv_close(reinterpret_cast<uv_handle_t*>(&std::exchange(handle_, nullptr)->timer),
           [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

}  // namespace cohort
