#include "floors/hand_written.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "floors/sockets.hpp"

namespace floors {
namespace {

struct Header {
  std::uint64_t id;
  std::uint32_t function;
  std::uint32_t size;
};

constexpr std::size_t sent_at_once = 8;  // open calls up to which each is a write of its own
constexpr std::size_t queue_limit = 64 << 10;
constexpr std::size_t read_size = 256 << 10;

void append(std::vector<char>& to, const Header& header, const void* data) {
  const std::size_t old = to.size();
  to.resize(old + sizeof header + header.size);
  std::memcpy(to.data() + old, &header, sizeof header);
  std::memcpy(to.data() + old + sizeof header, data, header.size);
}

/// Calls `frame(header, data)` for each whole frame. @return the bytes of these.
template <class Frame>
std::size_t for_each_frame(const char* data, std::size_t size, Frame frame) {
  std::size_t at = 0;
  Header header;
  while (size - at >= sizeof header) {
    std::memcpy(&header, data + at, sizeof header);
    if (header.size > message_bytes) throw std::runtime_error("a message is too long");
    if (size - at < sizeof header + header.size) break;
    frame(header, data + at + sizeof header);
    at += sizeof header + header.size;
  }
  return at;
}

/// Reads into `buffer` and calls `take(data, size)`, which returns how much it used, until `take` wants no more.
/// @return false: the connection has ended.
template <class Take, class Wanted>
bool read_frames(int descriptor, Take take, Wanted wanted) {
  std::vector<char> buffer(read_size);
  for (std::size_t filled = 0; wanted();) {
    const ssize_t received = recv(descriptor, buffer.data() + filled, buffer.size() - filled, 0);
    if (received < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (received <= 0) return false;
    filled += static_cast<std::size_t>(received);
    const std::size_t used = take(buffer.data(), filled);
    std::memmove(buffer.data(), buffer.data() + used, filled - used);
    filled -= used;
  }
  return true;
}

}  // namespace

HandWritten::HandWritten(int descriptor) : descriptor_(descriptor), reader_([this] { read_answers(); }) {}

HandWritten::~HandWritten() {
  shutdown(descriptor_, SHUT_RDWR);
  reader_.join();
  close(descriptor_);
}

HandWritten::Future HandWritten::submit(Function function, const void* argument, std::size_t size) {
  Future future;
  future.client_ = this;
  future.slot_ = std::make_shared<Slot>();
  bool send_now;
  {
    const std::lock_guard lock(mutex_);
    if (lost_) throw std::runtime_error("the connection is lost");
    const Header header{next_id_++, function, static_cast<std::uint32_t>(size)};
    open_.emplace(header.id, future.slot_);
    append(queued_, header, argument);
    send_now = open_.size() <= sent_at_once || queued_.size() >= queue_limit;
  }
  if (send_now) flush(true);
  return future;
}

const Message& HandWritten::Future::get() const {
  if (slot_->done.load(std::memory_order_acquire) == 0) {
    client_->flush(true);
    slot_->done.wait(0, std::memory_order_acquire);
  }
  if (slot_->done < 0) throw std::runtime_error("the connection is lost");
  return slot_->result;
}

void HandWritten::flush(bool may_wait) {
  for (;;) {
    {
      const std::lock_guard writing(writing_);
      for (;;) {
        if (sent_ == sending_.size()) {
          sending_.clear();
          sent_ = 0;
          const std::lock_guard lock(mutex_);
          std::swap(sending_, queued_);
          if (sending_.empty()) return;
        }
        const ssize_t sent =
            send(descriptor_, sending_.data() + sent_, sending_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN) break;
        if (sent < 0 && errno != EINTR) fail("send");
        if (sent > 0) sent_ += static_cast<std::size_t>(sent);
      }
    }
    if (!may_wait) return;  // more answers are to come, and the reader tries again after each
    pollfd socket{descriptor_, POLLOUT, 0};
    if (poll(&socket, 1, 30'000) == 0) throw std::runtime_error("send: the peer does not read");
  }
}

void HandWritten::read_answers() {
  try {
    read_frames(
        descriptor_,
        [this](const char* data, std::size_t size) {
          const std::size_t used = take_answers(data, size);
          flush(false);
          return used;
        },
        [] { return true; });
  } catch (const std::exception&) {
  }
  fail_all();
}

std::size_t HandWritten::take_answers(const char* data, std::size_t size) {
  std::size_t used;
  {
    const std::lock_guard lock(mutex_);
    used = for_each_frame(data, size, [this](const Header& header, const char* result) {
      const auto found = open_.find(header.id);
      if (found == open_.end()) throw std::runtime_error("an answer to no call");
      found->second->size = header.size;
      std::memcpy(found->second->result.data(), result, header.size);
      answered_.push_back(std::move(found->second));
      open_.erase(found);
    });
  }
  for (const auto& slot : answered_) {
    slot->done.store(1, std::memory_order_release);
    slot->done.notify_all();
  }
  answered_.clear();
  return used;
}

void HandWritten::fail_all() {
  const std::lock_guard lock(mutex_);
  lost_ = true;
  for (const auto& [id, slot] : open_) {
    slot->done = -1;
    slot->done.notify_all();
  }
  open_.clear();
}

void serve_calls(int descriptor, int count) {
  using Handler = std::size_t (*)(const char* argument, std::size_t size, char* result);
  static constexpr std::array<Handler, 2> functions = {
      [](const char* argument, std::size_t, char* result) {  // no_op
        std::memcpy(result, argument, sizeof(int));
        return sizeof(int);
      },
      [](const char* argument, std::size_t size, char* result) {  // echo
        std::memcpy(result, argument, size);
        return size;
      }};
  std::vector<char> answers;
  const bool served = read_frames(
      descriptor,
      [&](const char* data, std::size_t size) {
        const std::size_t used = for_each_frame(data, size, [&](const Header& header, const char* argument) {
          Message result;
          const std::size_t result_size = functions.at(header.function)(argument, header.size, result.data());
          append(answers, {header.id, header.function, static_cast<std::uint32_t>(result_size)}, result.data());
          count--;
        });
        write_all(descriptor, answers.data(), answers.size());
        answers.clear();
        return used;
      },
      [&] { return count > 0; });
  if (!served) throw std::runtime_error("the caller is gone");
}

Samples round_trips(HandWritten& client, int count) {
  Message message{};
  return Samples::of(count, [&] { message = client.submit(HandWritten::echo, message.data(), message.size()).get(); });
}

Samples pipelined(HandWritten& client, int count, int open) {
  return Samples::of(1, [&] {
    std::vector<HandWritten::Future> calls(static_cast<std::size_t>(open));
    for (int i = 0; i < count; i++) {
      auto& slot = calls[static_cast<std::size_t>(i % open)];
      if (slot.valid()) slot.get();
      slot = client.submit(HandWritten::no_op, &i, sizeof i);
    }
    for (const auto& slot : calls)
      if (slot.valid()) slot.get();
  });
}

}  // namespace floors
