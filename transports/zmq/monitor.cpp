#include "monitor.hpp"

#include <cstdint>
#include <cstring>

namespace cohort_zmq {
namespace {

constexpr const char* endpoint = "inproc://connections";

}  // namespace

Monitor::Monitor(zmq::context_t& context, zmq::socket_t& socket)
    : socket_(socket), events_(context, zmq::socket_type::pair) {
  constexpr int wanted = ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                         ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
  events_.set(zmq::sockopt::linger, 0);
  events_.set(zmq::sockopt::rcvhwm, 0);
  if (zmq_socket_monitor(socket.handle(), endpoint, wanted) != 0) throw zmq::error_t();
  events_.connect(endpoint);
}

// In this order: ZeroMQ would wait for ever with an event that nobody takes.
Monitor::~Monitor() { zmq_socket_monitor(socket_.handle(), nullptr, 0); }

std::optional<Monitor::Event> Monitor::next() {
  zmq::message_t first;
  if (!events_.recv(first, zmq::recv_flags::dontwait)) return std::nullopt;
  zmq::message_t part;
  for (bool more = first.more(); more; more = part.more()) static_cast<void>(events_.recv(part));
  std::uint16_t kind = 0;
  std::int32_t value = 0;
  if (first.size() >= sizeof kind + sizeof value) {
    std::memcpy(&kind, first.data(), sizeof kind);
    std::memcpy(&value, first.data<char>() + sizeof kind, sizeof value);
  }
  return Event{kind, value};
}

void keep_alive(zmq::socket_t& socket) {
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 20);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 10);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 4);
}

}  // namespace cohort_zmq
