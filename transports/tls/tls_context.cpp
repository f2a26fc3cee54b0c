#include "tls_context.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>
#include <cohort/file_access.hpp>
#include <cohort/file_descriptor.hpp>

namespace cohort_tls {
namespace {

int socket_of(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

int write_bytes(BIO* bio, const char* bytes, std::size_t size, std::size_t* written) {
  BIO_clear_retry_flags(bio);
  ssize_t count;
  do {
    count = ::send(socket_of(bio), bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && errno == EAGAIN) BIO_set_retry_write(bio);
  *written = count > 0 ? static_cast<std::size_t>(count) : 0;
  return count > 0 ? 1 : 0;
}

int read_bytes(BIO* bio, char* bytes, std::size_t size, std::size_t* received) {
  BIO_clear_retry_flags(bio);
  ssize_t count;
  do {
    count = ::recv(socket_of(bio), bytes, size, MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && errno == EAGAIN) BIO_set_retry_read(bio);
  if (count == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  *received = count > 0 ? static_cast<std::size_t>(count) : 0;
  return count > 0 ? 1 : 0;
}

long control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/// OpenSSL's view of a non-blocking socket. Unlike OpenSSL's own, writing to one whose peer is gone raises no signal.
/// Does not own the socket. Null: no memory.
BIO* new_socket_bio(int socket) {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "cohort socket");
    if (made == nullptr) return made;
    BIO_meth_set_write_ex(made, write_bytes);
    BIO_meth_set_read_ex(made, read_bytes);
    BIO_meth_set_ctrl(made, control);
    return made;
  }();
  BIO* bio = method == nullptr ? nullptr : BIO_new(method);
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(bio, 1);
  return bio;
}

constexpr const char* identity_of_cluster = "cohort";

std::string last_error() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason == nullptr ? "unknown error" : reason;
}

void check_file(bool ok, const char* option, const std::string& path) {
  if (!ok)
    throw cohort::ConfigError("tls: " + std::string(option) + " '" + cohort::excerpt(path) + "': " + last_error());
}

/// To open a FIFO would wait for its writer. What cannot be looked at, OpenSSL speaks of.
void refuse_what_is_no_file(const char* option, const std::string& path) {
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    throw cohort::ConfigError("tls: " + std::string(option) + " '" + cohort::excerpt(path) +
                              "': it is not a regular file");
}

}  // namespace

TlsContext::TlsContext() : context_(SSL_CTX_new(TLS_method())) {
  if (context_ == nullptr) throw cohort::Error("tls: " + last_error());
  SSL_CTX_set_min_proto_version(context_, TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(context_, TLS1_3_VERSION);
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context_, 0);
  SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context_, 1);  // one system call for several records
  SSL_CTX_set_app_data(context_, this);
}

TlsContext::TlsContext(const Certificates& files) : TlsContext() {
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  ERR_clear_error();
  refuse_what_is_no_file("ca", files.ca);
  refuse_what_is_no_file("certificate", files.certificate);
  refuse_what_is_no_file("key", files.key);
  check_file(SSL_CTX_load_verify_locations(context_, files.ca.c_str(), nullptr) == 1, "ca", files.ca);
  check_file(SSL_CTX_use_certificate_chain_file(context_, files.certificate.c_str()) == 1, "certificate",
             files.certificate);
  if (const cohort::FileDescriptor key(::open(files.key.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)); key) {
    if (const std::string problem = cohort::why_not_private(key.get(), files.key); !problem.empty())
      throw cohort::ConfigError("tls: key: " + problem);
  }
  check_file(SSL_CTX_use_PrivateKey_file(context_, files.key.c_str(), SSL_FILETYPE_PEM) == 1, "key", files.key);
  check_file(SSL_CTX_check_private_key(context_) == 1, "key", files.key);
}

TlsContext::TlsContext(std::span<const std::byte> key) : TlsContext() {
  if (key.size() != key_.size()) throw cohort::Error("tls: a key has 32 bytes, this one " + std::to_string(key.size()));
  by_key_ = true;
  std::copy(key.begin(), key.end(), key_.begin());
  SSL_CTX_set_ciphersuites(context_, "TLS_AES_128_GCM_SHA256");  // the one that goes with such a key
  SSL_CTX_set_verify(context_, SSL_VERIFY_NONE, nullptr);        // no certificates: missing_proof() asks for the key
  SSL_CTX_set_psk_client_callback(context_, client_key);
  SSL_CTX_set_psk_server_callback(context_, server_key);
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
  OPENSSL_cleanse(key_.data(), key_.size());
}

unsigned TlsContext::client_key(SSL* ssl, const char*, char* identity, unsigned identity_size, unsigned char* key,
                                unsigned key_size) {
  const auto* self = static_cast<const TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  if (key_size < self->key_.size() || identity_size <= std::strlen(identity_of_cluster)) return 0;
  std::strcpy(identity, identity_of_cluster);
  std::memcpy(key, self->key_.data(), self->key_.size());
  return static_cast<unsigned>(self->key_.size());
}

unsigned TlsContext::server_key(SSL* ssl, const char* identity, unsigned char* key, unsigned key_size) {
  const auto* self = static_cast<const TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  if (key_size < self->key_.size() || std::strcmp(identity, identity_of_cluster) != 0) return 0;
  std::memcpy(key, self->key_.data(), self->key_.size());
  return static_cast<unsigned>(self->key_.size());
}

Ssl TlsContext::session(int socket, Role role) const {
  Ssl ssl(SSL_new(context_));
  BIO* bio = ssl == nullptr ? nullptr : new_socket_bio(socket);
  if (bio == nullptr) throw cohort::Error("tls: no memory for a connection", cohort::ErrorKind::overloaded);
  SSL_set_bio(ssl.get(), bio, bio);
  if (role == Role::dialler)
    SSL_set_connect_state(ssl.get());
  else
    SSL_set_accept_state(ssl.get());
  return ssl;
}

std::string TlsContext::failure(const SSL* ssl, int result) const {
  const int system_error = errno;
  const int kind = SSL_get_error(ssl, result);
  const std::string other_cookie = by_key_ ? "; are both processes of one cluster, with one cookie?" : "";
  if (kind == SSL_ERROR_ZERO_RETURN) return "it ended the connection" + other_cookie;
  const unsigned long error = ERR_peek_error();
  if (kind == SSL_ERROR_SYSCALL && error == 0)
    return system_error == 0 ? "it ended the connection" : std::generic_category().message(system_error);
  if (const long verified = SSL_get_verify_result(ssl); !by_key_ && verified != X509_V_OK)
    return std::string("its certificate is not accepted: ") + X509_verify_cert_error_string(verified);
  switch (const int reason = ERR_GET_REASON(error)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_UNEXPECTED_MESSAGE:
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return not_tls;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return "it ended the connection";
    case SSL_R_BINDER_DOES_NOT_VERIFY:
      return "it has another key" + other_cookie;
    default:
      if (reason >= SSL_AD_REASON_OFFSET)
        return std::string("it refused this process: ") + SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET) +
               other_cookie;
      const char* text = ERR_reason_error_string(error);
      return (text == nullptr ? "TLS error " + std::to_string(error) : text) + other_cookie;
  }
}

std::string TlsContext::missing_proof(const SSL* ssl) const {
  if (by_key_) return SSL_session_reused(ssl) == 1 ? "" : "it did not prove that it knows the cluster's key";
  return SSL_get_verify_result(ssl) == X509_V_OK && SSL_get0_peer_certificate(ssl) != nullptr
             ? ""
             : "it showed no valid certificate";
}

}  // namespace cohort_tls
