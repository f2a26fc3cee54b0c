#pragma once

#include <openssl/ssl.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace cohort_tls {

/// What is said of a peer whose bytes are something else.
inline constexpr const char* not_tls = "it does not speak TLS 1.3; do both processes use the transport tls?";

struct Certificates {
  std::string ca;           ///< PEM file: whom to believe
  std::string certificate;  ///< PEM file: this process's own, with the chain
  std::string key;          ///< PEM file
};

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using Ssl = std::unique_ptr<SSL, FreeSsl>;

/// How this process proves itself, and whom it believes. TLS 1.3 only, both sides proved, no resumption. Immutable; any
/// thread.
class TlsContext {
 public:
  /// @throws ConfigError with the file and the cause.
  explicit TlsContext(const Certificates& files);
  /// Whoever knows the key belongs to it.
  explicit TlsContext(std::span<const std::byte> key);
  TlsContext(const TlsContext&) = delete;
  ~TlsContext();

  /// A new session over a non-blocking socket, which the caller owns and keeps open for longer.
  enum class Role { dialler, acceptor };
  Ssl session(int socket, Role role) const;

  /// Why the handshake failed, for people: "its certificate is not accepted: certificate has expired".
  /// @param result what the OpenSSL function that failed returned; called right after it.
  std::string failure(const SSL* ssl, int result) const;
  /// "" if the handshake proved the peer.
  std::string missing_proof(const SSL* ssl) const;

 private:
  TlsContext();
  static unsigned client_key(SSL* ssl, const char*, char* identity, unsigned identity_size, unsigned char* key,
                             unsigned key_size);
  static unsigned server_key(SSL* ssl, const char* identity, unsigned char* key, unsigned key_size);

  SSL_CTX* const context_;
  bool by_key_ = false;
  std::array<std::byte, 32> key_{};
};

}  // namespace cohort_tls
