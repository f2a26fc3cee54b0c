#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <cohort/bytes.hpp>

namespace cohort {

inline constexpr std::uint16_t protocol_version = 2;

/// What a process says of itself when a connection begins.
struct Identity {
  std::uint16_t version = protocol_version;
  std::int32_t pid = 0;          ///< 0: not known yet
  std::string executable_build;  ///< build ids; at most 255 bytes of each are sent and compared
  std::string library_build;
};

/// The beginning of a connection, without the connection: both sides prove that they know the cookie, without sending
/// it, and find out whether they fit together. The dialer proves it first, so that nobody gets what a cookie could be
/// guessed from by dialling. docs/protocol.md has the messages.
/// Takes at most 1 KiB of memory before the peer is authenticated. One thread at a time.
class Handshake {
 public:
  enum class Role : std::uint8_t { dialer, acceptor };

  struct Step {
    enum class State : std::uint8_t { more, done, failed };
    State state = State::more;
    Bytes out;          ///< to be sent; also when it failed, before the connection is closed
    std::string error;  ///< for people; no secrets
  };

  /// @param cookie any length; not kept, only a key made from it.
  Handshake(Role role, Identity mine, std::string_view cookie);
  ~Handshake();
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;

  /// What to send first; empty for the acceptor. Call once.
  Bytes start();

  /// Takes bytes that the peer sent. @param used set to how many were taken: those after the handshake are left, they
  /// belong to frames. After done or failed nothing more is taken.
  Step feed(std::span<const std::byte> in, std::size_t& used);

  /// What to say when the peer closes the connection now.
  std::string closed_message() const;

  /// To be believed once feed() said done.
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
  /// Whether what has come in part can still become a message of this protocol.
  bool may_be_message() const;
  Proof proof_of(Role role) const;
  /// Reads the fixed beginning of the peer's hello, then the rest. False: `step` has failed.
  bool read_hello(std::span<const std::byte> message, Step& step);
  void on_message(std::span<const std::byte> message, Step& step);
  void on_hello_of_dialer(std::span<const std::byte> message, Step& step);
  void on_hello_of_acceptor(std::span<const std::byte> message, Step& step);
  void on_proof(std::span<const std::byte> message, Step& step);
  void on_accept(std::span<const std::byte> message, Step& step);
  void on_refuse(std::span<const std::byte> message, Step& step);
  void say_with_proof(MessageType type, Step& step);
  bool builds_fit(Step& step);
  /// Ends it: `error` is for this side, `told` for the other.
  void refuse(Step& step, RefuseCode code, std::string error, std::string_view told);
  /// What came into buffer_ is no message of this protocol.
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
