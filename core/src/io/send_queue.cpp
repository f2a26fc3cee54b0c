#include "io/send_queue.hpp"

#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/forked_child.hpp"

namespace cohort {
namespace {
constexpr std::size_t gather_limit = 32 << 10;  // gathered output beyond this is sent
constexpr std::size_t chunk_limit = 256 << 10;  // small frames are joined up to this
constexpr std::size_t high_water = 64 << 20;    // above this, senders wait
constexpr std::size_t max_parts = 64;
}  // namespace

SendQueue::SendQueue(Reactor& reactor, std::unique_ptr<Writer> writer, std::function<void(bool)> blocked)
    : reactor_(reactor), writer_(std::move(writer)), blocked_callback_(std::move(blocked)) {}

// mutex_ held.
void SendQueue::append(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  queued_ += bytes.size();
  if (pending_.empty() || pending_.back().bytes.empty() || pending_.back().written != nullptr ||
      pending_.back().bytes.size() + bytes.size() > chunk_limit) {
    pending_.emplace_back();
    pending_.back().bytes = std::exchange(spare_, {});
    pending_.back().bytes.clear();
  }
  auto& last = pending_.back().bytes;
  last.insert(last.end(), bytes.begin(), bytes.end());
}

// mutex_ held.
void SendQueue::append(const Segment& segment, std::size_t skip) {
  if (skip >= segment.size) return;
  queued_ += segment.size - skip;
  Chunk chunk;
  chunk.segment = {segment.owner, segment.data + skip, segment.size - skip};
  pending_.push_back(std::move(chunk));
}

void SendQueue::consume(std::size_t n, Written& written) {
  offset_ += n;
  while (!current_.empty() && offset_ >= current_.front().span().size()) {
    Chunk& front = current_.front();
    offset_ -= front.span().size();
    if (front.written != nullptr) written.push_back(std::move(front.written));
    if (front.bytes.capacity() > spare_.capacity() && front.bytes.capacity() <= chunk_limit) {
      spare_ = std::move(front.bytes);
    }
    current_.pop_front();
  }
}

void SendQueue::drop_all(Written& written) {
  for (auto* chunks : {&current_, &pending_}) {
    for (auto& chunk : *chunks) {
      if (chunk.written != nullptr) written.push_back(std::move(chunk.written));
    }
    chunks->clear();
  }
  offset_ = queued_ = 0;
}

// mutex_ held, writing_ ours. Everything is sent, or the queue is blocked or broken.
void SendQueue::drain(Lock& lock, Written& written) {
  for (;;) {
    if (broken_) {
      drop_all(written);
      break;
    }
    if (current_.empty()) {
      if (pending_.empty()) break;
      current_.swap(pending_);
    }
    std::array<iovec, max_parts> parts;
    std::size_t count = 0;
    lock.unlock();
    for (const Chunk& chunk : current_) {
      auto bytes = chunk.span();
      if (count == 0) bytes = bytes.subspan(offset_);
      parts[count++] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
      if (count == max_parts) break;
    }
    const ssize_t n = writer_->write(std::span(parts.data(), count));
    lock.lock();
    if (n >= 0) {
      queued_ -= static_cast<std::size_t>(n);
      consume(static_cast<std::size_t>(n), written);
    } else if (n == -EAGAIN) {
      blocked_ = !broken_;
      if (blocked_) break;
    } else if (n != -EINTR) {
      broken_ = true;  // the reader notices too, and ends the connection
    }
  }
  writing_ = false;
  if (closing_ && !blocked_) writer_->close();
}

void SendQueue::after(Lock& lock, Written& written, bool soon) {
  const bool blocked = blocked_;
  lock.unlock();
  for (auto& completion : written) reactor_.complete(std::move(completion));
  if (blocked) blocked_callback_(soon);
}

std::shared_ptr<Completion> SendQueue::send(std::span<const std::byte> head, std::span<const std::byte> body,
                                            std::span<const Segment> segments, Mode mode) {
  if (is_forked_child()) return nullptr;
  Written written;
  const bool soon = mode != Mode::now;
  const bool gather = mode == Mode::gather || mode == Mode::gather_on_loop;
  bool borrowed = false;
  for (const auto& segment : segments) borrowed |= segment.owner == nullptr;
  std::shared_ptr<Completion> ticket;

  Lock lock(mutex_);
  if (broken_ || closing_) return nullptr;
  const bool idle = !writing_ && !blocked_;
  if (!gather && idle && pending_.empty() && segments.size() < max_parts - 2) {  // one system call, no copy
    writing_ = true;
    lock.unlock();
    std::array<iovec, max_parts> parts;
    std::size_t count = 0;
    parts[count++] = {const_cast<std::byte*>(head.data()), head.size()};
    if (!body.empty()) parts[count++] = {const_cast<std::byte*>(body.data()), body.size()};
    for (const auto& segment : segments) parts[count++] = {const_cast<std::byte*>(segment.data), segment.size};
    const ssize_t result = writer_->write(std::span(parts.data(), count));
    std::size_t sent = result > 0 ? static_cast<std::size_t>(result) : 0;  // an error shows again in drain()
    std::size_t total = 0;
    for (std::size_t i = 0; i < count; i++) total += parts[i].iov_len;
    lock.lock();
    if (sent == total && pending_.empty()) {
      writing_ = false;
      if (closing_) writer_->close();
      return nullptr;
    }
    auto skip = [&sent](std::size_t size) {
      const std::size_t skipped = std::min(sent, size);
      sent -= skipped;
      return skipped;
    };
    // The rest goes before what others queued meanwhile.
    auto others = std::exchange(pending_, {});
    append(head.subspan(skip(head.size())));
    append(body.subspan(skip(body.size())));
    for (const auto& segment : segments) append(segment, skip(segment.size));
    if (!pending_.empty()) {
      if (borrowed || queued_ > high_water) pending_.back().written = ticket = std::make_shared<Completion>();
      for (auto& chunk : pending_) current_.push_back(std::move(chunk));
    }
    pending_ = std::move(others);
    drain(lock, written);
    after(lock, written, soon);
    return ticket;
  }
  append(head);
  append(body);
  for (const auto& segment : segments) append(segment, 0);
  if (borrowed || queued_ > high_water) pending_.back().written = ticket = std::make_shared<Completion>();
  if (!idle) return ticket;  // the writer, or the driver when there is room, takes it along
  if (!gather || ticket != nullptr || queued_ >= gather_limit) {
    writing_ = true;
    drain(lock, written);
    after(lock, written, soon);
    return ticket;
  }
  if (gathered_) return ticket;
  gathered_ = true;
  lock.unlock();
  if (mode == Mode::gather_on_loop)
    reactor_.flush_after_turn(shared_from_this());
  else
    reactor_.flush_later(shared_from_this());
  return ticket;
}

void SendQueue::flush(bool soon) {
  Written written;
  Lock lock(mutex_);
  gathered_ = false;
  if (writing_ || blocked_ || pending_.empty()) return;
  writing_ = true;
  drain(lock, written);
  after(lock, written, soon);
}

bool SendQueue::writable() {
  Written written;
  Lock lock(mutex_);
  if (!blocked_) return false;
  blocked_ = false;
  writing_ = true;
  drain(lock, written);
  const bool blocked = blocked_;
  lock.unlock();
  for (auto& completion : written) reactor_.complete(std::move(completion));
  return blocked;
}

void SendQueue::close() {
  flush(true);
  Written written;
  Lock lock(mutex_);
  if (closing_) return;
  closing_ = broken_ = true;
  blocked_ = false;
  if (!writing_) {
    drop_all(written);
    writer_->close();
  }
  lock.unlock();
  for (auto& completion : written) reactor_.complete(std::move(completion));
}

}  // namespace cohort
