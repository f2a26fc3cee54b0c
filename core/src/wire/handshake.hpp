#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <cohort/bytes.hpp>

namespace cohort {

inline constexpr std::uint16_t protocol_version = 3;

/// What a process tells about itself when a connection begins.
struct Identity {
  std::uint16_t version = protocol_version;
  std::int32_t pid = 0;          ///< 0: not known yet
  std::string executable_build;  ///< build ids; at most 255 bytes of each are sent and compared
  std::string library_build;
};

/// The handshake of a connection, without I/O: both sides prove that they know the cookie, without sending it, and
/// check that they run the same build. The dialer proves first, so that nobody can connect and get data from which a
/// weak cookie could be guessed. docs/protocol.md describes the messages. Uses at most 1 KiB of memory before the peer
/// is authenticated. One thread at a time.
class Handshake {
 public:
  enum class Role : std::uint8_t { dialer, acceptor };

  struct Step {
    enum class State : std::uint8_t { more, done, failed };
    State state = State::more;
    Bytes out;          ///< to be sent; also when it failed, before the connection is closed
    std::string error;  ///< for people; no secrets
  };

  /// @param cookie of any length; only a key that is derived from it is stored.
  Handshake(Role role, Identity mine, std::string_view cookie);
  ~Handshake();
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;

  /// Returns the bytes to send first; empty for the acceptor. Call it once.
  Bytes start();

  /// Processes bytes from the peer. @param used is set to how many were used: bytes after the handshake are left,
  /// because they belong to frames. After done or failed no more bytes are used.
  Step feed(std::span<const std::byte> in, std::size_t& used);

  /// Returns the error message for the case that the peer closes the connection now.
  std::string closed_message() const;

  /// The peer's hello. It is authenticated only after feed() has returned done.
  const Identity& peer() const { return peer_; }

 private:
  static constexpr std::size_t max_message = 1024;
  static constexpr std::size_t nonce_size = 32;
  static constexpr std::size_t proof_size = 32;
  enum class Waiting : std::uint8_t { hello, proof, accept, nothing };
  enum class MessageType : std::uint8_t { hello = 1, proof = 2, accept = 3, refuse = 4 };
  enum class RefuseCode : std::uint8_t { protocol = 1, version = 2, credentials = 3, build = 4 };
  using Proof = std::array<std::byte, proof_size>;
  struct Message;

  Bytes hello() const;
  /// Whether the incomplete message so far can still become a valid message.
  bool may_be_message() const;
  Proof proof_of(Role role) const;
  /// Reads the fixed beginning of the peer's hello, then the rest. @return false if `step` has failed.
  bool read_hello(std::span<const std::byte> message, Step& step);
  void on_message(std::span<const std::byte> message, Step& step);
  void on_hello_of_dialer(std::span<const std::byte> message, Step& step);
  void on_hello_of_acceptor(std::span<const std::byte> message, Step& step);
  void on_proof(std::span<const std::byte> message, Step& step);
  void on_accept(std::span<const std::byte> message, Step& step);
  void on_refuse(std::span<const std::byte> message, Step& step);
  void say_with_proof(MessageType type, Step& step);
  bool builds_fit(Step& step);
  /// Ends the handshake: `error` is the message for this side, `told` the one for the peer.
  void refuse(Step& step, RefuseCode code, std::string error, std::string_view told);
  /// Fails because the bytes in buffer_ are not a message of this protocol.
  void fail_foreign(Step& step);

  const Role role_;
  Identity mine_;
  Identity peer_;
  std::array<std::byte, 32> key_;  // wiped by the destructor
  std::array<std::byte, nonce_size> nonce_;
  Bytes sent_hello_;
  Bytes received_hello_;
  Bytes buffer_;  // a message that has come in part, with its length
  Waiting waiting_ = Waiting::hello;
  std::string error_;  // why it failed
};

}  // namespace cohort
