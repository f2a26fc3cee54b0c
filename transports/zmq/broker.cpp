#include "broker.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "broker_address.hpp"

namespace cohort_zmq {
namespace {

constexpr int messages_a_turn = 10'000;  // then it looks whether it is to stop
constexpr int most_told = 20;

std::span<const std::byte> bytes_of(const ClientId& id) { return std::as_bytes(std::span(id)); }

}  // namespace

Broker::Broker(const std::string& address, std::optional<CurveKeys> keys)
    : keys_(std::move(keys)),
      questions_(context_, zmq::socket_type::rep),
      router_(context_, zmq::socket_type::router),
      monitor_(context_, router_) {
  try {
    questions_.set(zmq::sockopt::linger, 0);
    router_.set(zmq::sockopt::linger, 0);
    router_.set(zmq::sockopt::router_mandatory, true);
    router_.set(zmq::sockopt::sndhwm, 0);  // what waits for a slow receiver is bounded by its senders' credit
    router_.set(zmq::sockopt::maxmsgsize, largest_part);
    router_.set(zmq::sockopt::handshake_ivl, 10'000);
    router_.set(zmq::sockopt::backlog, 1024);
    router_.set(zmq::sockopt::ipv6, address.find('[') != address.npos);
    keep_alive(router_);
    if (keys_) {
      questions_.bind("inproc://zeromq.zap.01");
      encrypt_as_broker(router_, *keys_);
    }
    router_.bind(listening_address(address));
    address_ = router_.get(zmq::sockopt::last_endpoint);
    file_.watch(address_);
  } catch (const zmq::error_t& error) {
    throw cohort::Error("the zmq broker cannot listen at '" + cohort::excerpt(address) + "': " + error.what());
  }
}

void Broker::serve(int stop) {
  std::array<zmq::pollitem_t, 4> items{{
      {nullptr, stop, ZMQ_POLLIN, 0},
      {router_.handle(), 0, ZMQ_POLLIN, 0},
      {monitor_.handle(), 0, ZMQ_POLLIN, 0},
      {questions_.handle(), 0, ZMQ_POLLIN, 0},
  }};
  while (true) {
    try {
      zmq::poll(items.data(), keys_ ? items.size() : items.size() - 1, std::chrono::milliseconds(-1));
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
      continue;
    }
    if ((items[0].revents & ZMQ_POLLIN) != 0) return;
    take_messages();
    take_events();
    if (keys_) answer_key_question();
  }
}

void Broker::take_messages() {
  for (int i = 0; i < messages_a_turn && take_message(); ++i) {
  }
}

// One message of three parts: who sent it, whom it is for, the message. Others are passed over.
bool Broker::take_message() {
  zmq::message_t from;
  if (!router_.recv(from, zmq::recv_flags::dontwait)) return false;
  zmq::message_t to, bytes;
  bool more = from.more();
  int parts = 1;
  for (; more; ++parts) {
    zmq::message_t& part = parts == 1 ? to : bytes;
    static_cast<void>(router_.recv(part));
    more = part.more();
  }
  if (parts != 3 || from.size() != client_id_size) return true;
  if (to.size() == 0)
    take_own(from.to_string(), bytes);
  else
    pass_on(from.to_string(), to.to_string(), bytes);
  return true;
}

void Broker::take_own(const ClientId& from, const zmq::message_t& bytes) {
  const auto message = decode(bytes);
  if (!message) return;
  if (message->type == MessageType::bye) return say(from, {.type = MessageType::bye});
  if (message->type != MessageType::hello) return;
  if (message->value != protocol_version) {
    const std::string why = "it speaks version " + std::to_string(protocol_version) +
                            " of the protocol, this process " + std::to_string(message->value);
    return say(from, {.type = MessageType::refused, .data = std::as_bytes(std::span(why))});
  }
  take_events();  // the end of the last connection that had this one's descriptor came before
  const int descriptor = zmq_msg_get(const_cast<zmq_msg_t*>(bytes.handle()), ZMQ_SRCFD);
  clients_.try_emplace(from);
  connections_[descriptor] = from;
  say(from, {.type = MessageType::welcome, .value = protocol_version});
}

void Broker::pass_on(const ClientId& from, const ClientId& to, zmq::message_t& bytes) {
  const auto sender = clients_.find(from);
  if (sender == clients_.end()) return;  // it did not say hello, or is gone
  const auto receiver = clients_.find(to);
  if (receiver == clients_.end()) return say_gone(from, to);
  if (sender->second.insert(to).second) receiver->second.insert(from);
  try {
    router_.send(zmq::buffer(to), zmq::send_flags::sndmore);
    router_.send(zmq::buffer(from), zmq::send_flags::sndmore);
    router_.send(bytes, zmq::send_flags::none);
  } catch (const zmq::error_t& error) {
    if (error.num() != EHOSTUNREACH) throw;
    forget(to);  // its connection ended before its hello was read
  }
}

void Broker::say(const ClientId& to, const Message& message) {
  try {
    router_.send(zmq::buffer(to), zmq::send_flags::sndmore);
    router_.send(zmq::message_t(), zmq::send_flags::sndmore);
    zmq::message_t bytes = encode(message);
    router_.send(bytes, zmq::send_flags::none);
  } catch (const zmq::error_t& error) {
    if (error.num() != EHOSTUNREACH) throw;
  }
}

void Broker::say_gone(const ClientId& to, const ClientId& gone) {
  say(to, {.type = MessageType::gone, .data = bytes_of(gone)});
}

void Broker::take_events() {
  while (const auto event = monitor_.next()) {
    switch (event->kind) {
      case ZMQ_EVENT_DISCONNECTED:
        lose(event->descriptor);
        break;
      case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
      case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        tell_refusal();
        break;
    }
  }
}

// Only so often: whoever reaches the port could else fill the disk.
void Broker::tell_refusal() {
  if (told_refusals_ == most_told) return;
  ++told_refusals_;
  std::fprintf(stderr, "cohort: the zmq broker refused a connection at %s: it %s%s\n", address_.c_str(),
               keys_ ? "has another key, or none" : "has a key, which this broker has not, or is no zmq process",
               told_refusals_ == most_told ? "; further ones are not told" : "");
}

void Broker::lose(int descriptor) {
  const auto connection = connections_.find(descriptor);
  if (connection == connections_.end()) return;
  const ClientId id = connection->second;
  connections_.erase(connection);
  // What it sent before is passed on before the others hear that it is gone.
  take_messages();
  forget(id);
}

void Broker::forget(const ClientId& id) {
  const auto client = clients_.extract(id);
  if (client.empty()) return;
  for (const ClientId& other : client.mapped()) {
    const auto found = clients_.find(other);
    if (found == clients_.end()) continue;
    found->second.erase(id);
    say_gone(other, id);
  }
}

// https://rfc.zeromq.org/spec/27: version, request, domain, address, identity, mechanism, then the key.
void Broker::answer_key_question() {
  zmq::message_t part;
  if (!questions_.recv(part, zmq::recv_flags::dontwait)) return;
  std::vector<std::string> question{part.to_string()};
  while (part.more()) {
    static_cast<void>(questions_.recv(part));
    question.push_back(part.to_string());
  }
  const bool asks_for_key = question.size() == 7 && question[0] == "1.0" && question[5] == "CURVE";
  const CurveKeys::Key& key = keys_->client_public;
  const bool welcome =
      asks_for_key && question[6].size() == key.size() && std::memcmp(question[6].data(), key.data(), key.size()) == 0;
  const std::string request = question.size() > 1 ? question[1] : "";
  const std::array<std::string, 6> answer{"1.0", request, welcome ? "200" : "400", welcome ? "OK" : "unknown key",
                                          "",    ""};
  for (const auto& text : answer)
    questions_.send(zmq::buffer(text), &text == &answer.back() ? zmq::send_flags::none : zmq::send_flags::sndmore);
}

}  // namespace cohort_zmq
