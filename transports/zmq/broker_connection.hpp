#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include <zmq.hpp>

#include <cohort/types.hpp>

#include "curve_keys.hpp"
#include "message.hpp"
#include "monitor.hpp"

namespace cohort_zmq {

/// The address of the broker, and the key to authenticate with.
struct BrokerSettings {
  std::string address;  ///< "tcp://host:port" or "ipc://path"
  std::optional<CurveKeys> keys;
};

/// This process's only connection to the broker: a DEALER socket, and a socket that monitors the connection. It never
/// reconnects, because a broker that was gone has lost its state. One thread at a time.
class BrokerConnection {
 public:
  BrokerConnection(BrokerSettings settings, cohort::Clock::time_point deadline);

  const ClientId& id() const { return id_; }
  const std::string& address() const { return settings_.address; }

  /// Sends a message. Never waits: if the socket does not accept it, it is stored.
  void send(const ClientId& to, const Message& message);
  /// Whether no stored message waits.
  bool idle() const { return kept_.empty(); }
  /// Sends stored messages as far as possible.
  void send_kept();

  struct Incoming {
    ClientId from;  ///< empty: the broker itself
    zmq::message_t message;
  };
  /// Returns the next valid message, if there is one.
  std::optional<Incoming> receive();

  /// Waits for messages, for room to send if messages are stored, for the end of the connection, or until `other` is
  /// readable.
  void wait(int other, cohort::Clock::time_point deadline);
  /// Returns why the connection is over; empty if it is not. Reads the events of the socket.
  std::string ended();

 private:
  struct Kept {
    ClientId to;
    zmq::message_t message;
  };
  bool try_send(const ClientId& to, zmq::message_t& message);
  void greet(cohort::Clock::time_point deadline);
  std::string meaning(int event) const;

  const BrokerSettings settings_;
  const ClientId id_ = random_client_id();
  std::string ended_;
  std::deque<Kept> kept_;
  zmq::context_t context_;
  zmq::socket_t socket_;
  std::optional<Monitor> monitor_;
};

}  // namespace cohort_zmq
