#include "message.hpp"

#include <sys/random.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>

namespace cohort_zmq {
namespace {

constexpr std::string_view scheme = "zmq:";
constexpr std::string_view digits = "0123456789abcdef";

template <class Integer>
void put(std::byte* to, Integer value) {
  for (std::size_t i = 0; i < sizeof value; ++i) to[i] = static_cast<std::byte>(value >> (8 * i));
}

template <class Integer>
Integer get(const std::byte* from) {
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) value |= static_cast<Integer>(from[i]) << (8 * i);
  return value;
}

}  // namespace

zmq::message_t encode(const Message& message) {
  zmq::message_t bytes(header_size + message.data.size());
  auto* out = bytes.data<std::byte>();
  put(out, static_cast<std::uint8_t>(message.type));
  put(out + 1, static_cast<std::uint8_t>(message.from_acceptor ? 1 : 0));
  put(out + 2, std::uint16_t{0});
  put(out + 4, message.value);
  put(out + 8, message.stream);
  if (!message.data.empty()) std::memcpy(out + header_size, message.data.data(), message.data.size());
  return bytes;
}

std::optional<Message> decode(const zmq::message_t& bytes) {
  if (bytes.size() < header_size || bytes.size() > header_size + largest_data) return std::nullopt;
  const auto* in = bytes.data<std::byte>();
  Message message{static_cast<MessageType>(in[0])};
  message.from_acceptor = in[1] != std::byte{0};
  message.value = get<std::uint32_t>(in + 4);
  message.stream = get<std::uint64_t>(in + 8);
  message.data = {in + header_size, bytes.size() - header_size};
  return message;
}

ClientId random_client_id() {
  ClientId id(client_id_size, '\0');
  while (id.front() == '\0') {  // ZeroMQ keeps ids that begin with a zero byte to itself
    if (::getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size()))
      throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  return id;
}

std::string address_of(const ClientId& client, std::uint32_t listener) {
  std::string text(scheme);
  for (const unsigned char byte : client) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text + '/' + std::to_string(listener);
}

std::optional<Address> parse_address(const std::string& text) {
  constexpr std::size_t slash = scheme.size() + 2 * client_id_size;
  if (!text.starts_with(scheme) || text.size() <= slash + 1 || text[slash] != '/') return std::nullopt;
  Address address;
  for (std::size_t i = scheme.size(); i < slash; i += 2) {
    const std::size_t high = digits.find(text[i]);
    const std::size_t low = digits.find(text[i + 1]);
    if (high == digits.npos || low == digits.npos) return std::nullopt;
    address.client += static_cast<char>(high << 4 | low);
  }
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + slash + 1, end, address.listener);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return address;
}

}  // namespace cohort_zmq
