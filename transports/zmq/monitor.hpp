#pragma once

#include <optional>

#include <zmq.hpp>

namespace cohort_zmq {

/// Monitors the connections of a socket. Declare it after the socket: it must be destroyed first. One thread at a time.
class Monitor {
 public:
  struct Event {
    int kind = 0;        ///< ZMQ_EVENT_*
    int descriptor = 0;  ///< the connection's, where the event is about one
  };

  /// Call it before connect() and bind(). At most one in a context.
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

/// Detects peers whose host has failed. (ZeroMQ's own heartbeats would treat a stopped process as dead.)
void keep_alive(zmq::socket_t& socket);

}  // namespace cohort_zmq
