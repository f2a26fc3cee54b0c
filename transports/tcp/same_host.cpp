#include "same_host.hpp"

#include <sys/socket.h>

#include <optional>

#include <cohort/error.hpp>

#include "../common/unix_socket.hpp"

namespace cohort_tcp {
namespace {

using cohort::FileDescriptor;

std::optional<cohort_sockets::UnixAddress> name_beside(const std::string& address) {
  try {
    return cohort_sockets::UnixAddress("@cohort-tcp-" + address, "");
  } catch (const cohort::Error&) {  // a long host name
    return std::nullopt;
  }
}

FileDescriptor make_socket() {
  return FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

}  // namespace

FileDescriptor listen_beside(const std::string& address, int backlog) {
  const auto name = name_beside(address);
  FileDescriptor socket = make_socket();
  if (!name || !socket || ::bind(socket.get(), name->get(), name->size) < 0 || ::listen(socket.get(), backlog) < 0)
    return {};
  return socket;
}

FileDescriptor dial_beside(const std::string& address) {
  const auto name = name_beside(address);
  FileDescriptor socket = make_socket();
  if (!name || !socket || ::connect(socket.get(), name->get(), name->size) < 0) return {};
  return cohort_sockets::wrong_peer(socket.get()).empty() ? std::move(socket) : FileDescriptor();
}

}  // namespace cohort_tcp
