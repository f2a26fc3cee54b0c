#include "membership/connection.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <cohort/error.hpp>

namespace cohort {
namespace {

constexpr int reads_a_turn = 4;  // then other connections have a turn
// From a peer that does not take its answers something is read now and then all the same: should this process be to it
// what it is to this one, neither would ever read again.
constexpr Duration read_while_paused = std::chrono::milliseconds(100);
constexpr std::size_t longest_farewell = 1000;  // bytes

// A farewell is shown to people: no control characters, and not the length that the peer likes.
std::string printable(std::span<const std::byte> text) {
  std::string shown;
  for (const std::byte byte : text.first(std::min(text.size(), longest_farewell))) {
    const auto c = static_cast<unsigned char>(byte);
    shown += c < 0x20 || c == 0x7f ? ' ' : static_cast<char>(c);
  }
  return shown;
}

}  // namespace

Connection::Handler::~Handler() = default;

Connection::Connection(Reactor& reactor, Handler& handler, IoPair pair, Handshake::Role role, const Identity& mine,
                       std::string_view secret, std::weak_ptr<JoinTokens> tokens)
    : reactor_(reactor),
      handler_(handler),
      role_(role),
      reader_(std::move(pair.reader)),
      // The queue is owned by this connection and by turns of the loop, which this outlives: finish() closes it first.
      output_(std::make_shared<SendQueue>(
          reactor, std::move(pair.writer), [this](bool soon) { output_is_blocked(soon); },
          [this](const std::string& reason) {
            reactor_.post([weak = weak_from_this(), reason] {
              if (auto self = weak.lock()) self->finish(reason);
            });
          })),
      handshake_(std::in_place, role, mine, secret, std::move(tokens)),
      decoder_(FrameLimits{}, [this](const FrameHeader& header, std::size_t size) -> std::shared_ptr<std::byte> {
        if (header.kind != FrameKind::result) return nullptr;
        const auto request = requests_.find(header.request);
        return request == nullptr ? nullptr : request->memory_for(size);
      }) {}

Connection::~Connection() {
  output_->close();
  reader_.close();
}

// What the loop calls of a connection runs in here: whatever goes wrong ends this connection, with its cause.
template <class Body>
void Connection::guarded(Body&& body) noexcept {
  guard_loop([&] {
    try {
      body();
    } catch (...) {
      finish("an internal error: " + message_of(std::current_exception()));
    }
  });
}

void Connection::start(Duration handshake_timeout) {
  guarded([&] { begin(handshake_timeout); });
}

void Connection::begin(Duration handshake_timeout) {
  if (closed()) return finish("closed before it began");
  for (const std::string& fault : {reader_.fault(), output_->writer().fault()}) {
    if (!fault.empty()) return finish(fault);
  }
  last_received_ = Clock::now();
  auto weak = weak_from_this();
  timer_.start(reactor_, handshake_timeout, [weak] {
    if (auto self = weak.lock()) self->finish("no complete handshake in time; " + self->handshake_->closed_message());
  });
  Reactor* reactor = &reactor_;
  if (reader_.descriptor() >= 0) {
    input_watcher_.watch(reactor_, reader_.descriptor(), true, false, [weak](bool readable, bool writable) {
      if (auto self = weak.lock()) self->on_ready(readable, writable);
    });
  } else if (!reader_.on_readable([weak, reactor] {
               reactor->post([weak] {
                 if (auto self = weak.lock()) self->on_ready(true, false);
               });
             })) {
    return finish(reader_.fault());
  }
  if (output_->descriptor() < 0 && !output_->writer().on_writable([weak, reactor] {
        reactor->post([weak] {
          if (auto self = weak.lock()) self->on_ready(false, true);
        });
      })) {
    return finish(output_->writer().fault());
  }
  if (role_ == Handshake::Role::dialer) {
    const Bytes hello = handshake_->start();
    output_->send(hello.span(), {}, {}, SendQueue::Mode::before_wait);
  }
  if (reader_.descriptor() < 0) read_some();
}

// After a write that found no room. Any thread.
void Connection::output_is_blocked(bool soon) {
  if (output_->descriptor() < 0) return;  // its on_writable comes
  reactor_.post(
      [weak = weak_from_this()] {
        auto self = weak.lock();
        if (!self || self->finished_) return;
        self->waits_for_room_ = true;
        self->guarded([&] { self->watch(); });
      },
      soon);
}

// Has the descriptors watched for what is wanted now.
void Connection::watch() {
  const bool one = output_->descriptor() == reader_.descriptor();
  if (reader_.descriptor() >= 0) input_watcher_.watch(reactor_, reader_.descriptor(), !paused_, one && waits_for_room_);
  if (one || output_->descriptor() < 0) return;
  if (!waits_for_room_) return output_watcher_.stop();
  output_watcher_.watch(reactor_, output_->descriptor(), false, true, [weak = weak_from_this()](bool, bool) {
    if (auto self = weak.lock()) self->on_ready(false, true);
  });
}

void Connection::on_ready(bool readable, bool writable) {
  auto self = shared_from_this();
  guarded([&] {
    // A descriptor that is not watched for input is ready for that all the same when it has an error, which shows here.
    if (!finished_ && (writable || paused_)) on_writable();
    if (readable && !paused_) read_some();
  });
}

void Connection::on_writable() {
  if (paused_) takes_nothing_since_ = Clock::now();
  const bool blocked = output_->writable();
  if (blocked != waits_for_room_ && output_->descriptor() >= 0) {
    waits_for_room_ = blocked;
    watch();
  }
  if (paused_ && !output_->answers_pile_up()) resume();
}

void Connection::pause() {
  paused_ = true;
  takes_nothing_since_ = Clock::now();
  watch();
  timer_.start(
      reactor_, read_while_paused,
      [weak = weak_from_this()] {
        if (auto self = weak.lock()) self->guarded([&] { self->read_once(); });
      },
      read_while_paused);
}

void Connection::resume() {
  paused_ = false;
  takes_nothing_since_ = Clock::time_point::max();
  timer_.stop();
  watch();
  if (reader_.descriptor() < 0) read_some();
}

// Whoever calls this, or read_once(), keeps the connection alive.
void Connection::read_some() {
  for (int round = 0; !finished_; round++) {
    if (output_->answers_pile_up()) return pause();
    if (round == reads_a_turn) {
      if (reader_.descriptor() < 0) reactor_.post([self = shared_from_this()] { self->on_ready(true, false); });
      return;
    }
    if (!read_once()) return;
  }
}

// @return whether to go on reading.
bool Connection::read_once() {
  if (finished_) return false;
  std::array<std::byte, 1024> handshake_bytes;
  const bool framed = established();
  const std::span<std::byte> buffer = framed ? decoder_.prepare() : std::span<std::byte>(handshake_bytes);
  const ssize_t n = reader_.read(buffer);
  bool more = false;
  if (n > 0) {
    last_received_ = Clock::now();
    const auto count = static_cast<std::size_t>(n);
    more = (framed ? take_frames(count) : take_handshake(buffer.first(count))) &&
           (count == buffer.size() || reader_.descriptor() < 0);
  } else if (n != -EAGAIN && n != -EINTR) {
    std::string reason = reader_.fault();
    const bool by_peer = reason.empty();
    if (by_peer) {
      reason = framed ? "the connection ended" : handshake_->closed_message();
      if (framed && !decoder_.idle()) reason += " in the middle of a message";
      if (!last_word_.empty()) reason += ": " + last_word_;
      if (n < 0 && n != -ECONNRESET && n != -ECANCELED)
        reason += std::string(" (") + std::strerror(static_cast<int>(-n)) + ")";
    }
    finish(reason, !by_peer);
  }
  decoder_.trim();
  return more;
}

// `count` bytes are where the decoder wanted them. @return whether to go on reading.
bool Connection::take_frames(std::size_t count) {
  const auto self = shared_from_this();
  try {
    decoder_.commit(count, [&](Frame&& frame) {
      if (!take_frame(std::move(frame))) handler_.on_frame(self, std::move(frame));
    });
  } catch (const BadMessage& error) {
    finish(std::string("the peer sent what is not a message: ") + error.what());
  } catch (...) {
    finish("a message could not be taken in: " + message_of(std::current_exception()));
  }
  return !finished_;
}

// Frames that are about the connection itself. @return whether it was one.
bool Connection::take_frame(Frame&& frame) {
  if (frame.header.kind != FrameKind::farewell) return false;
  last_word_ = printable(frame.body.span());
  return true;
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
  timer_.stop();
  established_.store(true, std::memory_order_release);
  auto self = shared_from_this();
  handler_.on_established(self);
  auto rest = bytes.subspan(used);
  while (!rest.empty() && !finished_) {
    auto buffer = decoder_.prepare();
    const std::size_t n = std::min(buffer.size(), rest.size());
    std::memcpy(buffer.data(), rest.data(), n);
    rest = rest.subspan(n);
    take_frames(n);
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
  Bytes head;
  append_frame_head(head, header, ByteCount(prefix.size()) + payload.body.size(), payload.segments, references);
  head.append(prefix.data(), prefix.size());
  return output_->send(head.span(), payload.body.span(), payload.segments, mode, kind == FrameKind::result);
}

void Connection::send(FrameKind kind, std::uint64_t request, std::span<const std::byte> body, SendQueue::Mode mode) {
  FrameHeader header{};
  header.kind = kind;
  header.request = request;
  Bytes head;
  append_frame_head(head, header, body.size(), {}, {});
  output_->send(head.span(), body, {}, mode, kind == FrameKind::result || kind == FrameKind::pong);
}

void Connection::close(const std::string& reason) {
  if (closed_.exchange(true)) return;
  reactor_.post([self = shared_from_this(), reason] { self->finish(reason); });
}

// The last frame, if it can be sent: without it the peer would only see that the connection ended.
void Connection::farewell(const std::string& reason) {
  try {
    send(FrameKind::farewell, 0, std::as_bytes(std::span(reason)).first(std::min(reason.size(), longest_farewell)),
         SendQueue::Mode::before_wait);
  } catch (const std::exception&) {  // there is no memory for it
  }
}

void Connection::finish(const std::string& reason, bool tell_peer) {
  if (finished_) return;
  finished_ = true;
  closed_.store(true, std::memory_order_release);
  auto self = shared_from_this();
  timer_.stop();
  input_watcher_.stop();
  output_watcher_.stop();
  if (tell_peer && established()) farewell(reason);
  output_->close();
  reader_.close();
  handler_.on_closed(self, reason);
}

}  // namespace cohort
