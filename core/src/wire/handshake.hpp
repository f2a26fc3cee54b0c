#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <cohort/bytes.hpp>

namespace cohort {

inline constexpr std::uint16_t protocol_version = 3;

/// What a process tells about itself when a connection begins.
struct Identity {
  std::uint16_t version = protocol_version;
  std::int32_t pid = 0;          ///< 0: not known yet; -N: it joins with the one-time token N
  std::string executable_build;  ///< build ids; at most 255 bytes of each are sent and compared
  std::string library_build;
};

/// The one-time tokens that a master has given away, each for one worker that does not know the cookie yet.
class JoinTokens {
 public:
  virtual ~JoinTokens() = default;
  /// The secret of a token that was not used; nullopt: there is none. Loop thread.
  virtual std::optional<std::string> secret_of_token(std::int32_t number) = 0;
  /// Somebody has proved that he knows its secret: from now on nobody can join with it. Loop thread.
  /// @return false: another one was first.
  virtual bool use_token(std::int32_t number) = 0;
};

/// The handshake of a connection, without I/O: both sides prove that they know the cookie, without sending it, and
/// check that they run the same build. The dialer proves first, so that nobody can connect and get data from which a
/// weak cookie could be guessed. A worker may prove that it knows a one-time token instead, and is told the cookie,
/// which is encrypted with a key of this token and this handshake. docs/protocol.md describes the messages. Uses at
/// most 1 KiB of memory before the peer is authenticated. One thread at a time.
class Handshake {
 public:
  enum class Role : std::uint8_t { dialer, acceptor };

  struct Step {
    enum class State : std::uint8_t { more, done, failed };
    State state = State::more;
    Bytes out;          ///< to be sent; also when it failed, before the connection is closed
    std::string error;  ///< for people; no secrets
  };

  /// @param secret the cookie; of a dialer that has a token (mine.pid < 0) that token's secret. Of any length; only a
  /// key that is derived from it is stored, and the cookie where there are tokens. @param tokens of an acceptor; null:
  /// there are none.
  Handshake(Role role, Identity mine, std::string_view secret, std::weak_ptr<JoinTokens> tokens = {});
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

  /// The cookie that the acceptor told this dialer, which has a token. After feed() has returned done.
  const std::string& cookie() const { return cookie_; }

 private:
  static constexpr std::size_t max_message = 1024;
  static constexpr std::size_t max_accept_with_cookie = max_message + 4096;
  static constexpr std::size_t nonce_size = 32;
  static constexpr std::size_t proof_size = 32;
  enum class Waiting : std::uint8_t { hello, proof, accept, nothing };
  enum class MessageType : std::uint8_t { hello = 1, proof = 2, accept = 3, refuse = 4 };
  enum class RefuseCode : std::uint8_t { protocol = 1, version = 2, credentials = 3, build = 4 };
  using Proof = std::array<std::byte, proof_size>;
  struct Message;

  Bytes hello() const;
  /// The greatest size of the message that comes next.
  std::size_t limit() const;
  /// Of the token with which the dialer joins; 0: it has none.
  std::int32_t number_of_token() const;
  /// Whether the incomplete message so far can still become a valid message.
  bool may_be_message() const;
  Proof proof_of(Role role) const;
  /// The key with which the cookie is encrypted. It is good for one handshake, like a proof.
  Proof key_for_cookie() const;
  Proof authenticate(std::string_view purpose) const;
  Bytes seal(std::string_view cookie) const;
  bool unseal(std::span<const std::byte> sealed);
  /// Reads the fixed beginning of the peer's hello, then the rest. @return false if `step` has failed.
  bool read_hello(std::span<const std::byte> message, Step& step);
  void on_message(std::span<const std::byte> message, Step& step);
  void on_hello_of_dialer(std::span<const std::byte> message, Step& step);
  void on_hello_of_acceptor(std::span<const std::byte> message, Step& step);
  void on_proof(std::span<const std::byte> message, Step& step);
  void on_accept(std::span<const std::byte> message, Step& step);
  void on_refuse(std::span<const std::byte> message, Step& step);
  void say_with_proof(MessageType type, Step& step, std::span<const std::byte> more = {});
  void refuse_token(Step& step);
  bool builds_fit(Step& step);
  /// Ends the handshake: `error` is the message for this side, `told` the one for the peer.
  void refuse(Step& step, RefuseCode code, std::string error, std::string_view told);
  /// Fails because the bytes in buffer_ are not a message of this protocol.
  void fail_foreign(Step& step);

  const Role role_;
  const std::weak_ptr<JoinTokens> tokens_;
  Identity mine_;
  Identity peer_;
  std::array<std::byte, 32> key_;  // wiped by the destructor
  std::string cookie_;             // of an acceptor that may have to tell it, or of a dialer that was told
  std::array<std::byte, nonce_size> nonce_;
  Bytes sent_hello_;
  Bytes received_hello_;
  Bytes buffer_;  // a message that has come in part, with its length
  Waiting waiting_ = Waiting::hello;
  std::string error_;  // why it failed
};

}  // namespace cohort
