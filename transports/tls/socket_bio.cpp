#include "socket_bio.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

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

}  // namespace

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

}  // namespace cohort_tls
