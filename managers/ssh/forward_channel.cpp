#include "forward_channel.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "libssh_handles.hpp"

namespace cohort_ssh {

bool ForwardChannel::step(ssh_session session) {
  if (over_) return false;
  if (!open_) return open(session);
  const bool out = to_server(), in = from_server();
  if (local_ended_ && server_ended_) over_ = true;
  return (out || in) && !over_;
}

bool ForwardChannel::open(ssh_session session) {
  if (channel_ == nullptr) channel_ = ::ssh_channel_new(session);
  const int result =
      channel_ == nullptr ? SSH_ERROR : ::ssh_channel_open_forward(channel_, host_.c_str(), port_, "127.0.0.1", 0);
  if (result == SSH_AGAIN) return false;
  if (result != SSH_OK) {
    over_ = true;
    settle(error_of(session));
    return false;
  }
  open_ = true;
  settle("");
  return true;
}

bool ForwardChannel::to_server() {
  if (local_ended_) return false;
  if (out_.empty()) {
    const ssize_t count = ::recv(socket_.get(), out_.bytes.data(), out_.bytes.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (count <= 0) {
      ::ssh_channel_send_eof(channel_);
      local_ended_ = true;
      if (count < 0) server_ended_ = true;  // it takes nothing either
      return true;
    }
    out_.begin = 0;
    out_.end = static_cast<std::size_t>(count);
  }
  const int written =
      ::ssh_channel_write(channel_, out_.bytes.data() + out_.begin, static_cast<std::uint32_t>(out_.end - out_.begin));
  if (written == 0 || written == SSH_AGAIN) return false;  // until the server widens the window
  if (written < 0) {
    over_ = true;
    return false;
  }
  out_.begin += static_cast<std::size_t>(written);
  return true;
}

bool ForwardChannel::from_server() {
  if (server_ended_) return false;
  if (in_.empty()) {
    const int count =
        ::ssh_channel_read_nonblocking(channel_, in_.bytes.data(), static_cast<std::uint32_t>(in_.bytes.size()), 0);
    if (count > 0) {
      in_.begin = 0;
      in_.end = static_cast<std::size_t>(count);
    } else if (count == SSH_EOF || count == SSH_ERROR || ::ssh_channel_is_eof(channel_) ||
               ::ssh_channel_is_closed(channel_)) {
      ::shutdown(socket_.get(), SHUT_WR);
      server_ended_ = true;
      if (count == SSH_ERROR || ::ssh_channel_is_closed(channel_)) local_ended_ = true;
      return true;
    } else {
      return false;
    }
  }
  const ssize_t sent = ::send(socket_.get(), in_.bytes.data() + in_.begin, in_.end - in_.begin, MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (sent < 0) {
    over_ = true;
    return false;
  }
  in_.begin += static_cast<std::size_t>(sent);
  return true;
}

void ForwardChannel::add_to(std::vector<pollfd>& polled) const {
  if (!open_ || over_) return;
  short events = 0;
  if (!local_ended_ && out_.empty()) events |= POLLIN;
  if (!server_ended_ && !in_.empty()) events |= POLLOUT;
  // With nothing to wait for, POLLHUP would wake us again and again.
  if (events != 0) polled.push_back({socket_.get(), events, 0});
}

void ForwardChannel::settle(std::string problem) {
  {
    const cohort::detail::MutexLock lock(mutex_);
    if (!opened_) opened_ = std::move(problem);
  }
  changed_.notify_all();
}

std::string ForwardChannel::wait_until_open(cohort::Clock::time_point deadline) {
  cohort::detail::MutexLock lock(mutex_);
  while (!opened_) {
    if (cohort::Clock::now() >= deadline) return "no answer in time";
    changed_.wait_until(mutex_, deadline);
  }
  return *opened_;
}

void ForwardChannel::release(const std::string& reason) {
  over_ = true;
  settle(reason);
  if (channel_ != nullptr) ::ssh_channel_free(std::exchange(channel_, nullptr));
  socket_.reset();
}

}  // namespace cohort_ssh
