#pragma once

#include <optional>

#include <zmq.hpp>

namespace cohort_zmq {

/// What becomes of the connections of a socket. Declare it behind the socket: it must end first. One thread at a time.
class Monitor {
 public:
  struct Event {
    int kind = 0;        ///< ZMQ_EVENT_*
    int descriptor = 0;  ///< the connection's, where the event is about one
  };

  /// Before connect() and bind(). At most one in a context.
  Monitor(zmq::context_t& context, zmq::socket_t& socket);
  ~Monitor();
  Monitor(const Monitor&) = delete;

  /// The next event; never waits.
  std::optional<Event> next();
  /// For zmq::poll().
  void* handle() { return events_.handle(); }

 private:
  zmq::socket_t& socket_;
  zmq::socket_t events_;
};

/// Finds peers whose host vanished without a word. (ZeroMQ's own heartbeats would take a stopped process for dead.)
void keep_alive(zmq::socket_t& socket);

}  // namespace cohort_zmq
