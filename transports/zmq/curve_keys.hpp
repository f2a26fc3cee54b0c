#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>

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
/// Secret of a text.
Secret secret_of(std::string_view text);

/// Before connect(). @throws Error where this libzmq has no CURVE.
void encrypt_as_client(zmq::socket_t& socket, const CurveKeys& keys);
/// Before bind().
void encrypt_as_broker(zmq::socket_t& socket, const CurveKeys& keys);

}  // namespace cohort_zmq
