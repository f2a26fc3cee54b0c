#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <zmq.hpp>

namespace cohort_zmq {

/// The messages between processes and the broker. docs/zmq.md describes them.
enum class MessageType : std::uint8_t {
  open = 1,
  accept = 2,
  refuse = 3,
  data = 4,
  credit = 5,
  end = 6,
  stop = 7,
  // With the broker itself.
  hello = 16,
  welcome = 17,
  refused = 18,
  bye = 19,
  gone = 20,
};

inline constexpr std::uint32_t protocol_version = 1;
inline constexpr std::size_t header_size = 16;
inline constexpr std::size_t largest_data = 64 << 10;
/// For ZeroMQ's own limit; CURVE adds 33 bytes.
inline constexpr std::int64_t largest_part = header_size + largest_data + 64;
/// The credit that a message uses in addition to its data, so that credit also limits the memory of small messages.
inline constexpr std::size_t message_cost = 64;
/// Credit of each direction of a new stream.
inline constexpr std::size_t window = 1 << 20;

/// A message without the routing id before it.
struct Message {
  MessageType type;
  bool from_acceptor = false;  ///< of a stream: said by the process that accepted it
  std::uint32_t value = 0;     ///< open: listener; credit: bytes; hello: version
  std::uint64_t stream = 0;    ///< the dialler's number for it
  std::span<const std::byte> data{};

  std::string text() const { return {reinterpret_cast<const char*>(data.data()), data.size()}; }
};

zmq::message_t encode(const Message& message);
/// Reads a message; its data are not copied out of `bytes`. nullopt if it is not a valid message.
std::optional<Message> decode(const zmq::message_t& bytes);

/// ZeroMQ's routing id: 16 random bytes of each process, new for each connection to a broker.
using ClientId = std::string;
inline constexpr std::size_t client_id_size = 16;

ClientId random_client_id();

/// "zmq:<32 hexadecimal digits>/<number>"
std::string address_of(const ClientId& client, std::uint32_t listener);
struct Address {
  ClientId client;
  std::uint32_t listener = 0;
};
std::optional<Address> parse_address(const std::string& text);

}  // namespace cohort_zmq
