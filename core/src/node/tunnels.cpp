#include "node/tunnels.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include <cohort/error.hpp>

#include "node/node_impl.hpp"

namespace cohort {
namespace {

// Bytes on their way that the other end has not taken yet: what the master holds of a tunnel at most, each way.
constexpr std::size_t window = 1 << 20;
constexpr std::size_t largest_part = 64 << 10;

// Flags of a `tunnel` frame.
enum TunnelFlag : std::uint8_t {
  tunnel_open = 0,
  tunnel_data = 1,   // then the bytes
  tunnel_taken = 2,  // then u64: so many more bytes may come
  tunnel_close = 3
};

// What the body begins with.
struct TunnelHead {
  std::int32_t from = 0;
  std::int32_t to = 0;
  std::uint64_t number = 0;
};
static_assert(sizeof(TunnelHead) == 16);

void send_part(Connection& connection, TunnelFlag flag, const TunnelHead& head, std::span<const std::byte> bytes = {}) {
  Payload payload;
  payload.body.append(bytes.data(), bytes.size());
  connection.send(FrameKind::tunnel, flag, 0, payload, SendQueue::Mode::gather_on_loop, {},
                  std::as_bytes(std::span(&head, 1)));
}

}  // namespace

/// One end. What the node's connection writes comes out of the far end of an in-memory pair, and the other way round.
/// Loop thread only, apart from the pair's callbacks, which post.
class Tunnels::Tunnel final : public std::enable_shared_from_this<Tunnel> {
 public:
  Tunnel(Tunnels& tunnels, std::shared_ptr<Connection> master, const TunnelHead& head, IoPair pair)
      : tunnels_(tunnels), master_(std::move(master)), head_(head), pair_(std::move(pair)) {}

  void start() {
    auto when_ready = [this](void (Tunnel::*act)()) {
      return [weak = weak_from_this(), reactor = &tunnels_.node_.reactor(), act] {
        reactor->post([weak, act] {
          if (auto self = weak.lock()) (self.get()->*act)();
        });
      };
    };
    pair_.reader->on_readable(when_ready(&Tunnel::send_some));
    pair_.writer->on_writable(when_ready(&Tunnel::deliver_some));
    send_some();
  }

  /// Bytes of the other end.
  void take(std::span<const std::byte> bytes) {
    if (arrived_.size() - delivered_ + bytes.size() > window) return end();  // it does not keep the rules
    arrived_.insert(arrived_.end(), bytes.begin(), bytes.end());
    deliver_some();
  }

  void taken(std::uint64_t bytes) {
    room_ += static_cast<std::size_t>(std::min<std::uint64_t>(bytes, window - room_));
    send_some();
  }

  /// The other end closed: what has arrived is still read.
  void close() {
    closed_ = true;
    deliver_some();
  }

 private:
  friend class Tunnels;

  void send_some() {
    while (!closed_ && room_ > 0) {
      const std::span part(buffer_.data(), std::min(room_, buffer_.size()));
      const ssize_t n = pair_.reader->read(part);
      if (n == -EAGAIN) return;
      if (n <= 0) return end();
      room_ -= static_cast<std::size_t>(n);
      send_part(*master_, tunnel_data, head_, part.first(static_cast<std::size_t>(n)));
    }
  }

  void deliver_some() {
    std::uint64_t delivered = 0;
    while (delivered_ < arrived_.size()) {
      const iovec part{arrived_.data() + delivered_, arrived_.size() - delivered_};
      const ssize_t n = pair_.writer->write(std::span(&part, 1));
      if (n == -EAGAIN) break;
      if (n <= 0) return end();
      delivered_ += static_cast<std::size_t>(n);
      delivered += static_cast<std::uint64_t>(n);
    }
    if (delivered_ >= arrived_.size() / 2) {  // seldom, as it moves the rest
      arrived_.erase(arrived_.begin(), arrived_.begin() + static_cast<std::ptrdiff_t>(delivered_));
      delivered_ = 0;
    }
    if (closed_ && arrived_.empty()) return end();
    if (delivered > 0 && !closed_) send_part(*master_, tunnel_taken, head_, std::as_bytes(std::span(&delivered, 1)));
  }

  // It may be destroyed in here unless somebody holds it.
  void end() {
    if (!std::exchange(closed_, true)) send_part(*master_, tunnel_close, head_);
    pair_.reader->close();
    pair_.writer->close();
    tunnels_.forget({head_.to, head_.number});
  }

  Tunnels& tunnels_;
  const std::shared_ptr<Connection> master_;
  const TunnelHead head_;
  const IoPair pair_;
  std::size_t room_ = window;
  std::vector<std::byte> arrived_;  // not taken by the node's connection yet, behind delivered_
  std::size_t delivered_ = 0;
  std::array<std::byte, largest_part> buffer_;
  bool closed_ = false;  // no word goes to the other end any more
};

Tunnels::~Tunnels() = default;

IoPair Tunnels::open(Pid peer) {
  auto master = node_.members().connection(master_pid);
  if (master == nullptr) throw Error("the master cannot be asked");
  Key key{peer, 0};
  {
    detail::MutexLock lock(mutex_);
    key.second = ++last_number_;
  }
  const TunnelHead head{node_.self(), peer, key.second};
  IoPair pair = add(key, master);
  master->send(FrameKind::tunnel, tunnel_open, 0, {}, SendQueue::Mode::now, {}, std::as_bytes(std::span(&head, 1)));
  node_.reactor().post([tunnel = find(key)] { tunnel->start(); });
  return pair;
}

// @return the near end.
IoPair Tunnels::add(const Key& key, const std::shared_ptr<Connection>& master) {
  auto [near, far] = make_buffer_pair(window);
  const TunnelHead head{node_.self(), key.first, key.second};
  auto tunnel = std::make_shared<Tunnel>(*this, master, head, std::move(far));
  detail::MutexLock lock(mutex_);
  tunnels_.emplace(key, std::move(tunnel));
  return std::move(near);
}

std::shared_ptr<Tunnels::Tunnel> Tunnels::find(const Key& key) {
  detail::MutexLock lock(mutex_);
  const auto tunnel = tunnels_.find(key);
  return tunnel == tunnels_.end() ? nullptr : tunnel->second;
}

void Tunnels::forget(const Key& key) {
  std::shared_ptr<Tunnel> released;  // after the lock
  detail::MutexLock lock(mutex_);
  if (auto tunnel = tunnels_.find(key); tunnel != tunnels_.end()) {
    released = std::move(tunnel->second);
    tunnels_.erase(tunnel);
  }
}

void Tunnels::close() {
  std::map<Key, std::shared_ptr<Tunnel>> ended;
  {
    detail::MutexLock lock(mutex_);
    ended.swap(tunnels_);
  }
  for (const auto& [key, tunnel] : ended) tunnel->end();
}

void Tunnels::on_frame(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  TunnelHead head;
  if (frame.body.size() < sizeof head || !frame.segments.empty() || !frame.references.empty())
    return connection->close("a message for a tunnel that is none");
  std::memcpy(&head, frame.body.data(), sizeof head);
  if (node_.self() == master_pid) return pass_on(connection, head.from, head.to, std::move(frame));
  if (connection->peer() != master_pid || head.to != node_.self()) return;
  const Key key{head.from, head.number};
  const auto content = frame.body.span().subspan(sizeof head);
  const auto tunnel = find(key);
  if (frame.header.flags == tunnel_open) {
    // The one with the higher id opens, so that numbers of both cannot be mixed up.
    if (tunnel != nullptr || head.from <= node_.self()) return;
    node_.add_connection(add(key, connection), no_pid);
    return find(key)->start();
  }
  if (tunnel == nullptr) return;  // this end closed it, and the other one does not know yet
  if (frame.header.flags == tunnel_data) {
    tunnel->take(content);
  } else if (frame.header.flags == tunnel_taken && content.size() == sizeof(std::uint64_t)) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, content.data(), sizeof bytes);
    tunnel->taken(bytes);
  } else {
    tunnel->close();
  }
}

// The master. What cannot be passed on is answered as if the other end had closed.
void Tunnels::pass_on(const std::shared_ptr<Connection>& connection, Pid from, Pid to, Frame&& frame) {
  if (connection->peer() != from) return connection->close("a message for a tunnel of another process");
  const auto receiver = node_.wiring().relay ? node_.members().connection(to) : nullptr;
  if (receiver != nullptr) {
    Payload payload;
    payload.body = std::move(frame.body);
    receiver->send(FrameKind::tunnel, frame.header.flags, 0, payload, SendQueue::Mode::gather_on_loop);
  } else if (frame.header.flags != tunnel_close) {
    TunnelHead head;
    std::memcpy(&head, frame.body.data(), sizeof head);
    send_part(*connection, tunnel_close, {head.to, head.from, head.number});
  }
}

}  // namespace cohort
