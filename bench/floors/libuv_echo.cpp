#include "floors/libuv_echo.hpp"

#include <stdexcept>
#include <string>

namespace floors {

namespace {

void check(int status, const char* what) {
  if (status < 0) throw std::runtime_error(std::string(what) + ": " + uv_strerror(status));
}

}  // namespace

UvConnection::UvConnection(int descriptor) {
  check(uv_loop_init(&loop_), "uv_loop_init");
  uv_tcp_init(&loop_, &socket_);
  uv_timer_init(&loop_, &limit_);
  socket_.data = limit_.data = this;
  check(uv_tcp_open(&socket_, descriptor), "uv_tcp_open");
}

UvConnection::~UvConnection() {
  uv_close(reinterpret_cast<uv_handle_t*>(&socket_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&limit_), nullptr);
  uv_run(&loop_, UV_RUN_DEFAULT);
  uv_loop_close(&loop_);
}

Samples UvConnection::ask(int count) {
  asking_ = true;
  samples_ = Samples(count);
  run(count);
  return std::move(samples_);
}

void UvConnection::echo(int count) {
  asking_ = false;
  run(count);
}

void UvConnection::run(int messages) {
  if (messages <= 0) return;
  left_ = messages;
  status_ = 0;
  uv_timer_start(
      &limit_, [](uv_timer_t* timer) { self(timer).stop(UV_ETIMEDOUT); }, 30'000, 0);
  check(uv_read_start(
            reinterpret_cast<uv_stream_t*>(&socket_),
            [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
              auto& me = self(handle);
              *buffer = uv_buf_init(me.message_.data() + me.received_, message_bytes - me.received_);
            },
            [](uv_stream_t* stream, ssize_t size, const uv_buf_t*) {
              auto& me = self(stream);
              if (size < 0) return me.stop(static_cast<int>(size));
              me.received_ += static_cast<std::size_t>(size);
              if (me.received_ == message_bytes) me.on_message();
            }),
        "uv_read_start");
  if (asking_) send();
  uv_run(&loop_, UV_RUN_DEFAULT);
  check(status_, "libuv echo");
}

void UvConnection::send() {
  sent_at_ = Samples::Clock::now();
  const auto buffer = uv_buf_init(message_.data(), message_bytes);
  // One message is under way at a most: there is always room for it.
  const int sent = uv_try_write(reinterpret_cast<uv_stream_t*>(&socket_), &buffer, 1);
  if (sent != static_cast<int>(message_bytes)) stop(sent < 0 ? sent : UV_EIO);
}

void UvConnection::on_message() {
  received_ = 0;
  if (asking_) samples_.add(Samples::Clock::now() - sent_at_);
  const bool last = --left_ == 0;
  if (!asking_ || !last) send();
  if (last) stop(status_);
}

void UvConnection::stop(int status) {
  status_ = status;
  uv_timer_stop(&limit_);
  uv_read_stop(reinterpret_cast<uv_stream_t*>(&socket_));
}

}  // namespace floors
