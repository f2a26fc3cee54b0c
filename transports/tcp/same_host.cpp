#include "same_host.hpp"

#include <sys/socket.h>

#include <optional>

#include <cohort/error.hpp>

#include "../common/unix_socket.hpp"

namespace cohort_tcp {
namespace {

using cohort::FileDescriptor;

// Each way has a name of its own, as the bytes differ.
std::optional<cohort_sockets::UnixAddress> name_beside(const std::string& address, SameHost by) {
  if (by == SameHost::tcp) return std::nullopt;
  try {
    return cohort_sockets::UnixAddress((by == SameHost::shm ? "@cohort-shm-" : "@cohort-tcp-") + address, "");
  } catch (const cohort::Error&) {  // a long host name
    return std::nullopt;
  }
}

FileDescriptor make_socket() {
  return FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

}  // namespace

SameHost same_host_of(const std::string& option) {
  return option == "shm" ? SameHost::shm : option == "unix" ? SameHost::unix_socket : SameHost::tcp;
}

FileDescriptor listen_beside(const std::string& address, SameHost by, int backlog) {
  const auto name = name_beside(address, by);
  FileDescriptor socket = make_socket();
  if (!name || !socket || ::bind(socket.get(), name->get(), name->size) < 0 || ::listen(socket.get(), backlog) < 0)
    return {};
  return socket;
}

FileDescriptor dial_beside(const std::string& address, SameHost by) {
  const auto name = name_beside(address, by);
  FileDescriptor socket = make_socket();
  if (!name || !socket || ::connect(socket.get(), name->get(), name->size) < 0) return {};
  return cohort_sockets::wrong_peer(socket.get()).empty() ? std::move(socket) : FileDescriptor();
}

}  // namespace cohort_tcp
