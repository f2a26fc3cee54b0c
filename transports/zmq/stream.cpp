#include "stream.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace cohort_zmq {
namespace {

constexpr std::size_t buffer_capacity = 256 << 10;
// Less would cut the stream into many small messages; the peer gives credit back long before it holds so much.
constexpr std::size_t least_credit = 4096 + message_cost;
constexpr std::size_t credit_worth_a_message = window / 4;

}  // namespace

Stream::Stream(Send send, const std::function<void()>& poke, NodeEnd& node_end)
    : send_(std::move(send)), broken_(std::make_shared<std::atomic<bool>>(false)) {
  cohort::BufferStream out(buffer_capacity);
  cohort::BufferStream in(buffer_capacity);
  outgoing_ = out.reader();
  incoming_ = in.writer();
  outgoing_->on_readable(poke);
  incoming_->on_writable(poke);
  node_end.pair = {in.reader(), out.writer()};
  node_end.broken = broken_;
}

bool Stream::pump() {
  deliver();
  return send_some();
}

bool Stream::send_some() {
  if (outgoing_ == nullptr || credit_ < least_credit) return false;
  std::array<std::byte, largest_data> buffer;
  const ssize_t count = outgoing_->read(std::span(buffer).first(std::min(largest_data, credit_ - message_cost)));
  if (count == -EAGAIN) return false;  // it pokes
  if (count <= 0) {
    send_(MessageType::end, 0, {});
    outgoing_.reset();
    return false;
  }
  const auto bytes = std::span<const std::byte>(buffer).first(static_cast<std::size_t>(count));
  send_(MessageType::data, 0, bytes);
  credit_ -= bytes.size() + message_cost;
  return true;
}

bool Stream::take(const Message& message) {
  switch (message.type) {
    case MessageType::data:
      return take_data(message.data);
    case MessageType::credit:
      if (message.value > window - credit_) return false;
      credit_ += message.value;
      return true;
    case MessageType::end:
      peer_ended_ = true;
      deliver();
      return true;
    case MessageType::stop:
      outgoing_.reset();  // the node's next write fails
      return true;
    default:
      return false;
  }
}

bool Stream::take_data(std::span<const std::byte> data) {
  if (incoming_ == nullptr) return true;  // sent before our stop came there
  const std::size_t cost = data.size() + message_cost;
  if (peer_ended_ || data.empty() || cost > receivable_) return false;
  receivable_ -= cost;
  undelivered_.push_back({{data.begin(), data.end()}, 0});
  deliver();
  return true;
}

void Stream::deliver() {
  while (incoming_ != nullptr) {
    iovec part{nullptr, 0};
    if (!undelivered_.empty()) {
      Received& first = undelivered_.front();
      part = {first.bytes.data() + first.delivered, first.bytes.size() - first.delivered};
    }
    const ssize_t count = incoming_->write({&part, 1});  // of nothing as well: it tells whether the node still reads
    if (count == -EAGAIN) return;                        // it pokes
    if (count < 0) {
      if (!peer_ended_) send_(MessageType::stop, 0, {});
      undelivered_.clear();
      incoming_.reset();
      return;
    }
    if (undelivered_.empty()) {
      if (peer_ended_) incoming_.reset();  // the node reads the end
      return;
    }
    Received& first = undelivered_.front();
    first.delivered += static_cast<std::size_t>(count);
    if (first.delivered < first.bytes.size()) continue;
    give_credit_back(first.bytes.size() + message_cost);
    undelivered_.pop_front();
  }
}

void Stream::give_credit_back(std::size_t bytes) {
  unreturned_ += bytes;
  if (unreturned_ < credit_worth_a_message || peer_ended_) return;
  receivable_ += unreturned_;
  send_(MessageType::credit, static_cast<std::uint32_t>(std::exchange(unreturned_, 0)), {});
}

void Stream::break_off() {
  broken_->store(true);
  outgoing_.reset();
  peer_ended_ = true;
  // What finds no room now is lost, as it is where a connection is reset.
  deliver();
  undelivered_.clear();
  incoming_.reset();
}

}  // namespace cohort_zmq
