#include <cohort/contract/stream_end.hpp>

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <cohort/file_descriptor.hpp>

namespace cohort::contract {

Readiness::Readiness(int descriptor, short events, const std::function<void(std::function<void()>)>& subscribe)
    : descriptor_(descriptor), events_(events) {
  if (descriptor_ >= 0) return;
  subscribe([signal = signal_] {
    const detail::MutexLock lock(signal->mutex);
    signal->told = true;
    signal->changed.notify_all();
  });
}

void Readiness::reset() {
  const detail::MutexLock lock(signal_->mutex);
  signal_->told = false;
}

bool Readiness::wait(Clock::time_point deadline) {
  if (descriptor_ < 0) {
    detail::MutexLock lock(signal_->mutex);
    while (!signal_->told) {
      if (Clock::now() >= deadline) return false;
      signal_->changed.wait_until(signal_->mutex, deadline);
    }
    return true;
  }
  while (true) {
    pollfd ready{descriptor_, events_, 0};
    if (::poll(&ready, 1, poll_timeout(deadline)) > 0) return true;
    if (Clock::now() >= deadline) return false;
  }
}

StreamEnd::StreamEnd(IoPair pair)
    : pair_(std::move(pair)),
      readable_(pair_.reader->descriptor(), POLLIN,
                [this](std::function<void()> ready) { pair_.reader->on_readable(std::move(ready)); }),
      writable_(pair_.writer->descriptor(), POLLOUT,
                [this](std::function<void()> ready) { pair_.writer->on_writable(std::move(ready)); }) {}

ssize_t StreamEnd::read_some(std::span<std::byte> buffer, Duration limit) {
  const auto deadline = deadline_after(limit);
  while (true) {
    readable_.reset();
    const ssize_t count = pair_.reader->read(buffer);
    if (count != -EAGAIN) return count;
    if (!readable_.wait(deadline)) return -ETIMEDOUT;
  }
}

ssize_t StreamEnd::write_all(std::span<const std::byte> bytes, Duration limit) {
  const auto deadline = deadline_after(limit);
  while (!bytes.empty()) {
    writable_.reset();
    const iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    const ssize_t count = pair_.writer->write({&part, 1});
    if (count > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (count != -EAGAIN) {
      return count == 0 ? -EIO : count;
    } else if (!writable_.wait(deadline)) {
      return -ETIMEDOUT;
    }
  }
  return 0;
}

ssize_t StreamEnd::write_all(std::string_view text, Duration limit) {
  return write_all(std::as_bytes(std::span(text)), limit);
}

std::string StreamEnd::receive(std::size_t size, Duration limit) {
  std::string text;
  std::array<std::byte, 4096> buffer;
  while (text.size() < size) {
    const ssize_t count = read_some(std::span(buffer).first(std::min(buffer.size(), size - text.size())), limit);
    if (count == 0) break;
    if (count < 0) return text + "<error " + std::to_string(-count) + ">";
    text.append(reinterpret_cast<const char*>(buffer.data()), static_cast<std::size_t>(count));
  }
  return text;
}

bool StreamEnd::ends(Duration limit) {
  std::array<std::byte, 4096> buffer;
  ssize_t count = 1;
  while (count > 0) count = read_some(buffer, limit);
  return count != -ETIMEDOUT;
}

bool StreamEnd::wait_writable(Duration limit) { return writable_.wait(deadline_after(limit)); }

}  // namespace cohort::contract
