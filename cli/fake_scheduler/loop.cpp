#include "loop.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace cohort::fake_scheduler {
namespace {

template <class Handle>
void close_and_delete(Handle* handle) {
  uv_close(reinterpret_cast<uv_handle_t*>(handle),
           [](uv_handle_t* closed) { delete reinterpret_cast<Handle*>(closed); });
}

}  // namespace

Timers::Timers(uv_loop_t* loop) : loop_(loop), timer_(new uv_timer_t) {
  uv_timer_init(loop, timer_);
  timer_->data = this;
}

Timers::~Timers() { close_and_delete(timer_); }

Timers::Token Timers::after(Milliseconds delay, std::function<void()> function) {
  uv_update_time(loop_);
  const auto time = uv_now(loop_) + static_cast<std::uint64_t>(std::max<std::int64_t>(delay.count(), 0));
  const Token token = ++last_;
  times_[token] = time;
  due_[{time, token}] = std::move(function);
  start();
  return token;
}

void Timers::cancel(Token& token) {
  if (auto time = times_.extract(std::exchange(token, 0))) {
    due_.erase({time.mapped(), time.key()});
    start();
  }
}

void Timers::start() {
  uv_timer_stop(timer_);
  if (due_.empty()) return;
  const auto next = due_.begin()->first.first, now = uv_now(loop_);
  uv_timer_start(
      timer_, [](uv_timer_t* timer) { static_cast<Timers*>(timer->data)->run_due(); }, next > now ? next - now : 0, 0);
}

void Timers::run_due() {
  const auto now = uv_now(loop_);
  while (!due_.empty() && due_.begin()->first.first <= now) {
    auto entry = due_.extract(due_.begin());
    times_.erase(entry.key().second);
    entry.mapped()();
  }
  start();
}

Children::Children(uv_loop_t* loop) : signal_(new uv_signal_t) {
  uv_signal_init(loop, signal_);
  signal_->data = this;
  uv_signal_start(
      signal_, [](uv_signal_t* signal, int) { static_cast<Children*>(signal->data)->reap(); }, SIGCHLD);
}

Children::~Children() { close_and_delete(signal_); }

void Children::reap() {
  int status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
    if (auto child = ended_.extract(pid)) child.mapped()(status);
}

Stream::Stream(uv_loop_t* loop) {
  uv_pipe_init(loop, &pipe_, 0);
  pipe_.data = this;
}

Stream* Stream::open(uv_loop_t* loop, int descriptor) {
  auto* stream = new Stream(loop);
  if (uv_pipe_open(&stream->pipe_, descriptor) == 0) return stream;
  ::close(descriptor);
  stream->close();
  return nullptr;
}

Stream* Stream::accept(uv_loop_t* loop, uv_stream_t* listening) {
  auto* stream = new Stream(loop);
  if (uv_accept(listening, reinterpret_cast<uv_stream_t*>(&stream->pipe_)) == 0) return stream;
  stream->close();
  return nullptr;
}

void Stream::read(std::function<void(std::string_view)> read) {
  read_ = std::move(read);
  resume();
}

void Stream::pause() {
  if (reading_) uv_read_stop(reinterpret_cast<uv_stream_t*>(&pipe_));
  reading_ = false;
}

void Stream::resume() {
  if (reading_ || closing_ || !read_) return;
  reading_ = true;
  static std::array<char, 65536> buffer;  // of the only thread; each read is passed on before the next
  uv_read_start(
      reinterpret_cast<uv_stream_t*>(&pipe_),
      [](uv_handle_t*, std::size_t, uv_buf_t* into) { *into = uv_buf_init(buffer.data(), buffer.size()); },
      [](uv_stream_t* pipe, ssize_t n, const uv_buf_t*) {
        auto* stream = static_cast<Stream*>(pipe->data);
        if (n == 0) return;
        if (n > 0) return stream->read_({buffer.data(), static_cast<std::size_t>(n)});
        stream->pause();
        const auto read = std::exchange(stream->read_, nullptr);
        read({});
      });
}

void Stream::write(std::string_view bytes) {
  if (closing_ || bytes.empty()) return;
  struct Write {
    uv_write_t request;
    std::string bytes;
  };
  auto* write = new Write{{}, std::string(bytes)};
  write->request.data = write;
  backlog_ += bytes.size();
  const uv_buf_t buffer = uv_buf_init(write->bytes.data(), static_cast<unsigned>(write->bytes.size()));
  const int error =
      uv_write(&write->request, reinterpret_cast<uv_stream_t*>(&pipe_), &buffer, 1, [](uv_write_t* request, int) {
        auto* done = static_cast<Write*>(request->data);
        auto* stream = static_cast<Stream*>(request->handle->data);
        stream->backlog_ -= done->bytes.size();
        delete done;
        if (stream->backlog_ > 0) return;
        if (stream->closing_)
          stream->close_when_sent();
        else if (stream->drained_)
          stream->drained_();
      });
  if (error == 0) return;
  backlog_ -= bytes.size();
  delete write;
}

void Stream::close() {
  if (closing_) return;
  pause();
  closing_ = true;
  if (backlog_ == 0) close_when_sent();
}

void Stream::close_when_sent() {
  uv_close(reinterpret_cast<uv_handle_t*>(&pipe_),
           [](uv_handle_t* handle) { delete static_cast<Stream*>(handle->data); });
}

}  // namespace cohort::fake_scheduler
