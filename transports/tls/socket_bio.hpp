#pragma once

#include <openssl/bio.h>

namespace cohort_tls {

/// OpenSSL's view of a non-blocking socket. Unlike OpenSSL's own, writing to one whose peer is gone raises no signal.
/// Does not own the socket. Null: no memory.
BIO* new_socket_bio(int socket);

}  // namespace cohort_tls
