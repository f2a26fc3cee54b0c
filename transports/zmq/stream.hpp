#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include <cohort/io_pair.hpp>

#include "message.hpp"

namespace cohort_zmq {

/// The node's end of a stream.
struct NodeEnd {
  cohort::IoPair pair;
  /// Call it when the stream did not end regularly: the other process or the broker is gone.
  std::shared_ptr<std::atomic<bool>> broken;
};

/// One stream as the hub's thread sees it: between two in-memory streams, whose other ends belong to the node, and the
/// messages to the broker. Each direction has a credit, which the receiver returns when the node takes the bytes: so at
/// most one window is in transit, wherever it waits. Knows no sockets. Only the hub's thread uses it.
class Stream {
 public:
  /// Queues a message to the other side. The data are copied.
  using Send = std::function<void(MessageType type, std::uint32_t value, std::span<const std::byte> data)>;

  /// @param poke called on any thread, must not block: pump() has something to do.
  Stream(Send send, const std::function<void()>& poke, NodeEnd& node_end);

  /// Moves at most one message in each direction. @return true if more may be possible at once.
  bool pump();
  /// Handles a message of the other side. @return false if it broke the rules, or is not for a stream.
  bool take(const Message& message);
  /// Call it when the connection to the other side is gone. The node still reads what has arrived, then an error.
  void break_off();

  /// Whether neither side will send anything more.
  bool over() const { return outgoing_ == nullptr && incoming_ == nullptr; }
  /// Whether everything that the node wrote is sent.
  bool all_sent() const { return outgoing_ == nullptr; }

 private:
  struct Received {
    std::vector<std::byte> bytes;
    std::size_t delivered = 0;
  };

  bool send_some();
  void deliver();
  void give_credit_back(std::size_t bytes);
  bool take_data(std::span<const std::byte> data);

  const Send send_;
  const std::shared_ptr<std::atomic<bool>> broken_;

  std::unique_ptr<cohort::Reader> outgoing_;  // what the node wrote; null: all is sent, or the peer reads no more
  std::size_t credit_ = window;               // that the peer gave

  std::unique_ptr<cohort::Writer> incoming_;  // what the node will read; null: no more comes, or it reads no more
  std::deque<Received> undelivered_;          // what found no room; at most a window
  bool peer_ended_ = false;
  std::size_t receivable_ = window;  // the peer's credit
  std::size_t unreturned_ = 0;       // delivered, not told to the peer yet
};

}  // namespace cohort_zmq
