#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <zmq.hpp>

namespace cohort_zmq {

using Secret = std::array<std::byte, 32>;

/// The two key pairs of CURVE, both made from one secret: who has it can be the broker as well as a process that the
/// broker lets in.
struct CurveKeys {
  using Key = std::array<std::byte, 32>;
  Key broker_secret, broker_public;
  Key client_secret, client_public;

  explicit CurveKeys(const Secret& secret);
};

/// Secret of what a file holds. "-": of standard input. @throws ConfigError: others can read it, or it is too short.
Secret read_secret(const std::string& file);
/// The key of a cluster as a key file would hold it.
std::string key_text(std::span<const std::byte> key);
/// Secret of the text of a key file.
Secret secret_of(std::string_view text);

/// Before connect(). @throws Error where this libzmq has no CURVE.
void encrypt_as_client(zmq::socket_t& socket, const CurveKeys& keys);
/// Before bind().
void encrypt_as_broker(zmq::socket_t& socket, const CurveKeys& keys);

}  // namespace cohort_zmq
