#include "membership/connection.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace cohort {
namespace {
constexpr int reads_a_turn = 4;  // then other connections have a turn
}

Connection::Handler::~Handler() = default;

Connection::Connection(Reactor& reactor, Handler& handler, IoPair pair, Handshake::Role role, const Identity& mine,
                       std::string_view cookie)
    : reactor_(reactor),
      handler_(handler),
      role_(role),
      reader_(std::move(pair.reader)),
      // The queue is owned by this connection and by turns of the loop, which this outlives: finish() closes it first.
      output_(std::make_shared<SendQueue>(reactor, std::move(pair.writer), [this](bool soon) { watch_output(soon); })),
      handshake_(std::in_place, role, mine, cookie),
      decoder_(FrameLimits{}) {}

Connection::~Connection() {
  output_->close();
  reader_->close();
}

void Connection::start(Duration handshake_timeout) {
  if (closed()) return finish("closed before it began");
  last_received_ = Clock::now();
  auto weak = weak_from_this();
  deadline_.start(reactor_, handshake_timeout, [weak] {
    if (auto self = weak.lock()) self->finish("no complete handshake in time; " + self->handshake_->closed_message());
  });
  if (const int descriptor = reader_->descriptor(); descriptor >= 0) {
    input_watcher_.watch(reactor_, descriptor, true, false, [weak](bool readable, bool writable) {
      if (auto self = weak.lock()) self->on_ready(readable, writable);
    });
  } else {
    Reactor* reactor = &reactor_;
    reader_->on_readable([weak, reactor] {
      reactor->post([weak] {
        if (auto self = weak.lock()) self->read_some();
      });
    });
  }
  if (output_->descriptor() < 0) {
    Reactor* reactor = &reactor_;
    output_->writer().on_writable([weak, reactor] {
      reactor->post([weak] {
        if (auto self = weak.lock()) self->output_->writable();
      });
    });
  }
  if (role_ == Handshake::Role::dialer) {
    const Bytes hello = handshake_->start();
    output_->send(hello.span(), {}, {}, SendQueue::Mode::before_wait);
  }
  if (reader_->descriptor() < 0) read_some();
}

// After a write that found no room. Any thread.
void Connection::watch_output(bool soon) {
  if (output_->descriptor() < 0) return;  // its on_writable comes
  reactor_.post(
      [weak = weak_from_this()] {
        auto self = weak.lock();
        if (!self || self->finished_) return;
        if (self->output_->descriptor() == self->reader_->descriptor()) {
          self->input_watcher_.watch(self->reactor_, self->reader_->descriptor(), true, true);
        } else {
          self->output_watcher_.watch(self->reactor_, self->output_->descriptor(), false, true, [weak](bool, bool) {
            if (auto watched = weak.lock()) watched->on_ready(false, true);
          });
        }
      },
      soon);
}

void Connection::on_ready(bool readable, bool writable) {
  auto self = shared_from_this();
  if (writable && !finished_ && !output_->writable()) {
    if (output_->descriptor() == reader_->descriptor())
      input_watcher_.watch(reactor_, reader_->descriptor(), true, false);
    else
      output_watcher_.stop();
  }
  if (readable) read_some();
}

void Connection::read_some() {
  auto self = shared_from_this();
  for (int round = 0; !finished_; round++) {
    if (round == reads_a_turn) {
      if (reader_->descriptor() < 0) reactor_.post([self] { self->read_some(); });
      return;
    }
    std::array<std::byte, 1024> handshake_bytes;
    const bool framed = established();
    const std::span<std::byte> buffer = framed ? decoder_.prepare() : std::span<std::byte>(handshake_bytes);
    const ssize_t n = reader_->read(buffer);
    if (n == -EAGAIN || n == -EINTR) return;
    if (n <= 0) {
      std::string reason = framed ? "the connection ended" : handshake_->closed_message();
      if (n < 0 && n != -ECONNRESET && n != -ECANCELED)
        reason += std::string(" (") + std::strerror(static_cast<int>(-n)) + ")";
      return finish(reason);
    }
    last_received_ = Clock::now();
    const auto count = static_cast<std::size_t>(n);
    if (framed) {
      try {
        decoder_.commit(count, [&](Frame&& frame) { handler_.on_frame(self, std::move(frame)); });
      } catch (const std::exception& error) {
        return finish(std::string("the peer sent what is not a message: ") + error.what());
      }
    } else if (!take_handshake(buffer.first(count))) {
      return;
    }
    if (count < buffer.size() && reader_->descriptor() >= 0) return;
  }
}

bool Connection::take_handshake(std::span<const std::byte> bytes) {
  std::size_t used = 0;
  auto step = handshake_->feed(bytes, used);
  if (!step.out.empty()) output_->send(step.out.span(), {}, {}, SendQueue::Mode::before_wait);
  if (step.state == Handshake::Step::State::failed) {
    finish(step.error);
    return false;
  }
  if (step.state == Handshake::Step::State::more) return true;
  deadline_.stop();
  established_.store(true, std::memory_order_release);
  auto self = shared_from_this();
  handler_.on_established(self);
  auto rest = bytes.subspan(used);
  while (!rest.empty() && !finished_) {
    auto buffer = decoder_.prepare();
    const std::size_t n = std::min(buffer.size(), rest.size());
    std::memcpy(buffer.data(), rest.data(), n);
    rest = rest.subspan(n);
    try {
      decoder_.commit(n, [&](Frame&& frame) { handler_.on_frame(self, std::move(frame)); });
    } catch (const std::exception& error) {
      finish(std::string("the peer sent what is not a message: ") + error.what());
    }
  }
  return !finished_;
}

std::shared_ptr<Completion> Connection::send(FrameKind kind, std::uint8_t flags, std::uint64_t request,
                                             const Payload& payload, SendQueue::Mode mode,
                                             std::span<const ReferenceEntry> references,
                                             std::span<const std::byte> prefix) {
  FrameHeader header{};
  header.kind = kind;
  header.flags = flags;
  header.request = request;
  header.body_size = static_cast<std::uint32_t>(prefix.size() + payload.body.size());
  Bytes head;
  append_frame_head(head, header, payload.segments, references);
  head.append(prefix.data(), prefix.size());
  return output_->send(head.span(), payload.body.span(), payload.segments, mode);
}

void Connection::send(FrameKind kind, std::uint64_t request, std::span<const std::byte> body, SendQueue::Mode mode) {
  FrameHeader header{};
  header.kind = kind;
  header.request = request;
  header.body_size = static_cast<std::uint32_t>(body.size());
  Bytes head;
  append_frame_head(head, header, {}, {});
  output_->send(head.span(), body, {}, mode);
}

void Connection::close(const std::string& reason) {
  if (closed_.exchange(true)) return;
  reactor_.post([self = shared_from_this(), reason] { self->finish(reason); });
}

void Connection::finish(const std::string& reason) {
  if (finished_) return;
  finished_ = true;
  closed_.store(true, std::memory_order_release);
  auto self = shared_from_this();
  deadline_.stop();
  input_watcher_.stop();
  output_watcher_.stop();
  output_->close();
  reader_->close();
  handler_.on_closed(self, reason);
}

}  // namespace cohort
