#pragma once

#include <openssl/ssl.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace cohort_tls {

/// The message about a peer that does not use TLS.
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

/// How this process authenticates, and which peers it accepts. TLS 1.3 only, both sides authenticate, no resumption.
/// Immutable; any thread may use it.
class TlsContext {
 public:
  /// @throws ConfigError with the file and the cause.
  explicit TlsContext(const Certificates& files);
  /// Authenticates by a key: every peer that knows the key is accepted.
  explicit TlsContext(std::span<const std::byte> key);
  TlsContext(const TlsContext&) = delete;
  ~TlsContext();

  /// Makes a session over a non-blocking socket, which the caller owns and must keep open longer than the session.
  enum class Role { dialler, acceptor };
  Ssl session(int socket, Role role) const;

  /// Returns why the handshake failed: "its certificate is not accepted: certificate has expired". Call it directly
  /// after the OpenSSL function that failed. @param result the return value of that function.
  std::string failure(const SSL* ssl, int result) const;
  /// Returns "" if the handshake authenticated the peer, else the reason.
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
