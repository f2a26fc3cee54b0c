#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <zmq.hpp>

#include "curve_keys.hpp"
#include "message.hpp"
#include "monitor.hpp"
#include "socket_file.hpp"

namespace cohort_zmq {

/// Forwards messages between the processes that are connected to it. When a process is gone, informs those that
/// communicated with it. It has no state of streams: the processes' credit limits what waits in it. One thread.
class Broker {
 public:
  /// Listens. @param address "tcp://HOST:PORT", "tcp://HOST:*", "ipc://PATH" or "ipc://@NAME". @throws Error.
  Broker(const std::string& address, std::optional<CurveKeys> keys);

  /// The address at which it listens, with the actual port.
  std::string address() const { return address_; }
  /// Serves until `stop` is readable.
  void serve(int stop);

 private:
  void take_messages();
  bool take_message();
  void take_own(const ClientId& from, const zmq::message_t& bytes);
  void pass_on(const ClientId& from, const ClientId& to, zmq::message_t& bytes);
  void say(const ClientId& to, const Message& message);
  void say_gone(const ClientId& to, const ClientId& gone);
  void take_events();
  void tell_refusal();
  void lose(int descriptor);
  void forget(const ClientId& id);
  void answer_key_question();

  SocketFile file_;  // goes last
  const std::optional<CurveKeys> keys_;
  zmq::context_t context_;
  zmq::socket_t questions_;  // ZeroMQ asks here whose keys are welcome (ZAP)
  zmq::socket_t router_;
  Monitor monitor_;
  std::string address_;
  std::map<ClientId, std::set<ClientId>> clients_;  // and who is to be told when it goes: those it talks with
  std::map<int, ClientId> connections_;             // by their descriptors
  int told_refusals_ = 0;
};

}  // namespace cohort_zmq
