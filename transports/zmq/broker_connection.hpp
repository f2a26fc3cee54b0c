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

/// Where the broker is, and how to prove oneself to it.
struct BrokerSettings {
  std::string address;  ///< "tcp://host:port" or "ipc://path"
  std::optional<CurveKeys> keys;
};

/// This process's one connection to the broker: a DEALER socket, and one that says what becomes of the connection.
/// Never connects again by itself: a broker that was gone knows nothing any more. One thread at a time.
class BrokerConnection {
 public:
  BrokerConnection(BrokerSettings settings, cohort::Clock::time_point deadline);

  const ClientId& id() const { return id_; }
  const std::string& address() const { return settings_.address; }

  /// Never waits: what the socket does not take is kept.
  void send(const ClientId& to, const Message& message);
  /// Nothing waits to be taken by the socket.
  bool idle() const { return kept_.empty(); }
  /// Sends of what was kept as much as goes.
  void send_kept();

  struct Incoming {
    ClientId from;  ///< empty: the broker itself
    zmq::message_t message;
  };
  /// The next message that is one, if there is one.
  std::optional<Incoming> receive();

  /// Waits for messages, room to send if something is kept, the end of the connection, or `other` to be readable.
  void wait(int other, cohort::Clock::time_point deadline);
  /// Why the connection is over; empty: it is not. Looks at what the socket tells.
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
