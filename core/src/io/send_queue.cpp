#include "io/send_queue.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "base/forked_child.hpp"

namespace cohort {
namespace {
constexpr std::size_t gather_limit = 32 << 10;  // gathered output beyond this is sent
constexpr std::size_t chunk_limit = 64 << 10;   // small frames are joined up to this
constexpr std::size_t high_water = 64 << 20;    // above this, senders wait
constexpr std::size_t max_parts = 64;
// So many answers waiting are too many; so few are too many where their senders wait already.
constexpr std::size_t many_answers = 16 << 10, few_answers = 256;

Segment copy_of(const Segment& segment) {
  Payload copy;
  copy.segments.push_back({nullptr, segment.data, segment.size});
  copy.own();
  return std::move(copy.segments[0]);
}
}  // namespace

SendQueue::SendQueue(Reactor& reactor, std::unique_ptr<Writer> writer, std::function<void(bool)> blocked,
                     std::function<void(const std::string&)> failed)
    : reactor_(reactor),
      writer_(std::move(writer)),
      blocked_callback_(std::move(blocked)),
      failed_callback_(std::move(failed)) {}

void SendQueue::append(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  if (pending_.empty() || pending_.back().bytes.empty() || pending_.back().written != nullptr ||
      pending_.back().bytes.size() + bytes.size() > chunk_limit) {
    pending_.emplace_back();
    pending_.back().bytes = std::exchange(spare_, {});
    pending_.back().bytes.clear();
  }
  auto& last = pending_.back().bytes;
  last.insert(last.end(), bytes.begin(), bytes.end());
  queued_ += bytes.size();
}

void SendQueue::append(const Segment& segment, std::size_t skip) {
  if (skip >= segment.size) return;
  Chunk chunk;
  chunk.segment = {segment.owner, segment.data + skip, segment.size - skip};
  pending_.push_back(std::move(chunk));
  queued_ += segment.size - skip;
}

// All of a frame or, when there is no memory for it, nothing: half a frame would be read as another.
std::shared_ptr<Completion> SendQueue::append_whole(std::span<const std::byte> head, std::span<const std::byte> body,
                                                    std::span<const Segment> segments, bool is_answer) {
  const std::size_t chunks = pending_.size(), queued = queued_;
  const std::size_t bytes_of_last = pending_.empty() ? 0 : pending_.back().bytes.size();
  try {
    append(head);
    if (pending_.size() > chunks) pending_.back().begins_frame = true;
    append(body);
    for (const auto& segment : segments) append(segment, 0);
    auto ticket = ticket_for_last(segments);
    if (is_answer) count_answer();
    return ticket;
  } catch (...) {
    pending_.resize(chunks);
    if (!pending_.empty() && !pending_.back().bytes.empty()) pending_.back().bytes.resize(bytes_of_last);
    queued_ = queued;
    throw;
  }
}

// All of a frame or nothing.
void SendQueue::append_ahead(std::span<const std::byte> head, std::span<const std::byte> body, bool is_answer) {
  auto& bytes = ahead_.bytes;
  bytes.reserve(bytes.size() + head.size() + body.size());
  bytes.insert(bytes.end(), head.begin(), head.end());
  bytes.insert(bytes.end(), body.begin(), body.end());
  ahead_.begins_frame = true;
  queued_ += head.size() + body.size();
  if (!is_answer) return;
  ahead_.answers++;
  answers_++;
  look_at_answers();
}

// writing_ is ours. Puts ahead_ before the first frame of current_ that is not begun.
void SendQueue::take_ahead() {
  auto place = current_.begin();
  if (offset_ > 0) ++place;
  while (place != current_.end() && !place->begins_frame) ++place;
  current_.insert(place, std::move(ahead_));
  ahead_ = {};
}

// For whoever must wait until what was appended last has left; null: nobody must.
std::shared_ptr<Completion> SendQueue::ticket_for_last(std::span<const Segment> segments) {
  bool borrowed = false;
  for (const auto& segment : segments) borrowed |= segment.owner == nullptr;
  if (!borrowed && queued_ <= high_water) return nullptr;
  pending_.back().written = std::make_shared<Completion>();
  return pending_.back().written;
}

// Of the frame that was appended last.
void SendQueue::count_answer() {
  pending_.back().answers++;
  answers_++;
  look_at_answers();
}

// Only while blocked, so that writable() comes and tells of the end.
void SendQueue::look_at_answers() {
  const bool too_many = answers_ > many_answers || (queued_ > high_water && answers_ > few_answers);
  answers_pile_up_.store(blocked_ && too_many, std::memory_order_relaxed);
}

// Nothing is sent any more.
void SendQueue::break_off(int error, const std::string& reason) {
  broken_ = true;
  if (error != EPIPE && error != ECONNRESET && !closing_) failure_ = reason;
}

void SendQueue::consume(std::size_t n, Written& written) {
  offset_ += n;
  while (!current_.empty() && offset_ >= current_.front().span().size()) {
    Chunk& front = current_.front();
    offset_ -= front.span().size();
    if (front.written != nullptr) written.push_back(std::move(front.written));
    answers_ -= front.answers;
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
  ahead_ = {};
  offset_ = queued_ = answers_ = 0;
}

// writing_ is ours. Everything is sent, or the queue is blocked or broken.
void SendQueue::drain(Drained& drained) {
  for (;;) {
    if (broken_) {
      drop_all(drained.written);
      break;
    }
    if (current_.empty()) current_.swap(pending_);
    try {
      if (!ahead_.bytes.empty()) take_ahead();
    } catch (const std::bad_alloc&) {
      break_off(ENOMEM, "there is no memory to send it anything");
      continue;
    }
    if (current_.empty()) break;
    ssize_t n;
    {
      const detail::MutexUnlock unlocked(mutex_);
      std::array<iovec, max_parts> parts;
      std::size_t count = 0;
      for (const Chunk& chunk : current_) {
        auto bytes = chunk.span();
        if (count == 0) bytes = bytes.subspan(offset_);
        parts[count++] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
        if (count == max_parts) break;
      }
      n = writer_.write(std::span(parts.data(), count));
    }
    if (n >= 0) {
      queued_ -= static_cast<std::size_t>(n);
      consume(static_cast<std::size_t>(n), drained.written);
    } else if (n == -EAGAIN) {
      if (std::exchange(room_came_, false)) continue;
      blocked_ = !broken_;
      if (blocked_) break;
    } else if (n != -EINTR) {
      const std::string fault = writer_.fault();
      break_off(
          static_cast<int>(-n),
          fault.empty() ? "nothing can be sent to it: " + std::string(std::strerror(static_cast<int>(-n))) : fault);
    }
  }
  writing_ = false;
  look_at_answers();
  if (closing_ && !blocked_) writer_.close();
  drained.failure.swap(failure_);
  drained.blocked = blocked_;
}

// Tells those concerned what became of it. @return whether it is blocked.
bool SendQueue::tell(Drained& drained) {
  for (auto& completion : drained.written) reactor_.complete(std::move(completion));
  if (!drained.failure.empty()) failed_callback_(drained.failure);
  return drained.blocked;
}

std::shared_ptr<Completion> SendQueue::send(std::span<const std::byte> head, std::span<const std::byte> body,
                                            std::span<const Segment> segments, Mode mode, bool is_answer) {
  if (is_forked_child()) return nullptr;
  Drained drained;
  const bool soon = mode != Mode::now;
  const bool gather = mode == Mode::gather || mode == Mode::gather_on_loop;
  std::shared_ptr<Completion> ticket;

  detail::MutexLock lock(mutex_);
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
    const ssize_t result = writer_.write(std::span(parts.data(), count));
    std::size_t sent = result > 0 ? static_cast<std::size_t>(result) : 0;  // an error shows again in drain()
    std::size_t total = 0;
    for (std::size_t i = 0; i < count; i++) total += parts[i].iov_len;
    lock.lock();
    if (sent == total && pending_.empty() && ahead_.bytes.empty()) {
      writing_ = false;
      if (closing_) writer_.close();
      return nullptr;
    }
    auto skip = [&sent](std::size_t size) {
      const std::size_t skipped = std::min(sent, size);
      sent -= skipped;
      return skipped;
    };
    // The rest goes before what others queued meanwhile.
    auto others = std::exchange(pending_, {});
    const bool begun = sent > 0;
    try {
      append(head.subspan(skip(head.size())));
      append(body.subspan(skip(body.size())));
      for (const auto& segment : segments) append(segment, skip(segment.size));
      if (!pending_.empty()) {
        ticket = ticket_for_last(segments);
        if (is_answer) count_answer();
        for (auto& chunk : pending_) current_.push_back(std::move(chunk));
      }
      pending_ = std::move(others);
    } catch (...) {
      current_.clear();
      pending_ = std::move(others);
      queued_ = ahead_.bytes.size();
      answers_ = ahead_.answers;
      for (const auto& chunk : pending_) {
        queued_ += chunk.span().size();
        answers_ += chunk.answers;
      }
      if (begun) break_off(ENOMEM, "there is no memory for the rest of a message that was sent in part");
      drain(drained);
      lock.unlock();
      if (tell(drained)) blocked_callback_(soon);
      throw;
    }
    drain(drained);
    lock.unlock();
    if (tell(drained)) blocked_callback_(soon);
    return ticket;
  }
  if (mode == Mode::ahead)
    append_ahead(head, body, is_answer);
  else
    ticket = append_whole(head, body, segments, is_answer);
  if (!idle) return ticket;  // the writer, or the driver when there is room, takes it along
  if (!gather || ticket != nullptr || queued_ >= gather_limit) {
    writing_ = true;
    drain(drained);
    lock.unlock();
    if (tell(drained)) blocked_callback_(soon);
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

// A frame is its head, its body, and then its segments, each a chunk of its own: back to the last bytes.
bool SendQueue::copy_borrowed(const Completion& written) {
  detail::MutexLock lock(mutex_);
  if (writing_) return false;
  for (auto* chunks : {&current_, &pending_}) {
    auto chunk =
        std::find_if(chunks->rbegin(), chunks->rend(), [&](const Chunk& one) { return one.written.get() == &written; });
    for (; chunk != chunks->rend() && chunk->bytes.empty(); ++chunk) {
      if (chunk->segment.owner == nullptr) chunk->segment = copy_of(chunk->segment);
    }
  }
  return true;
}

void SendQueue::copy_unsent(const void* owner) {
  std::vector<std::shared_ptr<const void>> let_go;  // without the lock
  detail::MutexLock lock(mutex_);
  if (writing_) return;
  for (auto* chunks : {&current_, &pending_}) {
    for (Chunk& chunk : *chunks) {
      if (chunk.segment.owner.get() != owner) continue;
      Segment copy = copy_of(chunk.segment);
      let_go.push_back(std::exchange(chunk.segment, std::move(copy)).owner);
    }
  }
}

void SendQueue::flush(bool soon) {
  Drained drained;
  detail::MutexLock lock(mutex_);
  gathered_ = false;
  if (writing_ || blocked_ || pending_.empty()) return;
  writing_ = true;
  drain(drained);
  lock.unlock();
  if (tell(drained)) blocked_callback_(soon);
}

bool SendQueue::writable() {
  Drained drained;
  detail::MutexLock lock(mutex_);
  if (!blocked_) {
    room_came_ = writing_;
    return false;
  }
  blocked_ = false;
  writing_ = true;
  drain(drained);
  lock.unlock();
  return tell(drained);
}

void SendQueue::close() {
  flush(true);
  Written written;
  detail::MutexLock lock(mutex_);
  if (closing_) return;
  closing_ = broken_ = true;
  blocked_ = false;
  if (!writing_) {
    drop_all(written);
    writer_.close();
  }
  lock.unlock();
  for (auto& completion : written) reactor_.complete(std::move(completion));
}

}  // namespace cohort
