#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <zmq.hpp>

namespace cohort_zmq {

using Secret = std::array<std::byte, 32>;

/// The two key pairs of CURVE, both derived from one secret: its owner can act as the broker, and as a process that the
/// broker accepts.
struct CurveKeys {
  using Key = std::array<std::byte, 32>;
  Key broker_secret, broker_public;
  Key client_secret, client_public;

  explicit CurveKeys(const Secret& secret);
};

/// Derives the secret from a key file; "-": from standard input. @throws ConfigError if others can read the file, or if
/// it is too short.
Secret read_secret(const std::string& file);
/// Returns the key of a cluster in the form of a key file.
std::string key_text(std::span<const std::byte> key);
/// Derives the secret from the text of a key file.
Secret secret_of(std::string_view text);

/// Call it before connect(). @throws Error if this libzmq has no CURVE.
void encrypt_as_client(zmq::socket_t& socket, const CurveKeys& keys);
/// Call it before bind().
void encrypt_as_broker(zmq::socket_t& socket, const CurveKeys& keys);

}  // namespace cohort_zmq
