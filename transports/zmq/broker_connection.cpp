#include "broker_connection.hpp"

#include <netdb.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <utility>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>

namespace cohort_zmq {
namespace {

constexpr int kept_by_the_socket = 64;  // messages; what is more waits in the streams, whose writers then wait
constexpr std::string_view tcp_scheme = "tcp://";

// ZeroMQ says nothing about names that it cannot find.
void check_host(const std::string& address) {
  if (!address.starts_with(tcp_scheme)) return;
  std::string host = address.substr(tcp_scheme.size(), address.rfind(':') - tcp_scheme.size());
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, nullptr, &found);
  if (error != 0)
    throw cohort::Error("cannot connect to the zmq broker at " + address + ": " + ::gai_strerror(error),
                        cohort::ErrorKind::disconnected);
  ::freeaddrinfo(found);
}

}  // namespace

BrokerConnection::BrokerConnection(BrokerSettings settings, cohort::Clock::time_point deadline)
    : settings_(std::move(settings)), socket_(context_, zmq::socket_type::dealer) {
  check_host(settings_.address);
  const std::string what = "cannot connect to the zmq broker at " + cohort::excerpt(settings_.address) + ": ";
  try {
    socket_.set(zmq::sockopt::routing_id, id_);
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::reconnect_ivl, -1);
    socket_.set(zmq::sockopt::sndhwm, kept_by_the_socket);
    socket_.set(zmq::sockopt::rcvhwm, 0);  // credit bounds it
    socket_.set(zmq::sockopt::maxmsgsize, largest_part);
    socket_.set(zmq::sockopt::ipv6, 1);
    keep_alive(socket_);
    if (settings_.keys) encrypt_as_client(socket_, *settings_.keys);
    monitor_.emplace(context_, socket_);
    socket_.connect(settings_.address);
  } catch (const zmq::error_t& error) {
    throw cohort::Error(what + error.what(), cohort::ErrorKind::disconnected);
  }
  greet(deadline);
}

void BrokerConnection::greet(cohort::Clock::time_point deadline) {
  const std::string what = "cannot connect to the zmq broker at " + cohort::excerpt(settings_.address) + ": ";
  send({}, {.type = MessageType::hello, .value = protocol_version});
  while (true) {
    if (auto answer = receive()) {
      const auto message = decode(answer->message);
      if (message->type == MessageType::welcome) return;
      if (message->type == MessageType::refused)
        throw cohort::Error(what + message->text(), cohort::ErrorKind::disconnected);
      continue;
    }
    if (!ended().empty()) throw cohort::Error(what + ended_, cohort::ErrorKind::disconnected);
    if (cohort::Clock::now() >= deadline) throw cohort::TimeoutError(what + "no answer in time");
    wait(-1, deadline);
  }
}

void BrokerConnection::send(const ClientId& to, const Message& message) {
  zmq::message_t bytes = encode(message);
  if (!kept_.empty() || !try_send(to, bytes)) kept_.push_back({to, std::move(bytes)});
}

void BrokerConnection::send_kept() {
  while (!kept_.empty() && try_send(kept_.front().to, kept_.front().message)) kept_.pop_front();
}

bool BrokerConnection::try_send(const ClientId& to, zmq::message_t& message) {
  if (!ended_.empty()) return true;  // to nowhere
  if (!socket_.send(zmq::buffer(to), zmq::send_flags::sndmore | zmq::send_flags::dontwait)) return false;
  // A message of several parts is taken as a whole.
  return socket_.send(message, zmq::send_flags::none).has_value();
}

std::optional<BrokerConnection::Incoming> BrokerConnection::receive() {
  while (true) {
    zmq::message_t from;
    if (!socket_.recv(from, zmq::recv_flags::dontwait)) return std::nullopt;
    Incoming incoming{from.to_string(), {}};
    bool more = from.more();
    int parts = 1;
    for (; more; ++parts) {
      static_cast<void>(socket_.recv(incoming.message));
      more = incoming.message.more();
    }
    if (parts == 2 && decode(incoming.message)) return incoming;
  }
}

void BrokerConnection::wait(int other, cohort::Clock::time_point deadline) {
  std::array<zmq::pollitem_t, 3> items{{
      {socket_.handle(), 0, static_cast<short>(kept_.empty() ? ZMQ_POLLIN : ZMQ_POLLIN | ZMQ_POLLOUT), 0},
      {monitor_->handle(), 0, ZMQ_POLLIN, 0},
      {nullptr, other, ZMQ_POLLIN, 0},
  }};
  const std::chrono::milliseconds limit(deadline == cohort::Clock::time_point::max() ? -1
                                                                                     : cohort::poll_timeout(deadline));
  try {
    zmq::poll(items.data(), other < 0 ? 2 : 3, limit);
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;
  }
}

std::string BrokerConnection::ended() {
  while (const auto event = monitor_->next()) {
    if (ended_.empty()) ended_ = meaning(event->kind);
  }
  return ended_;
}

std::string BrokerConnection::meaning(int event) const {
  switch (event) {
    case ZMQ_EVENT_CLOSED:
      return "nobody answers there; is the broker running?";
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
      return settings_.keys ? "it refused this process: has it another key, or none?"
                            : "it refused this process: does it want a key (curve, key_file)?";
    default:
      return "the connection ended";
  }
}

}  // namespace cohort_zmq
