#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>

namespace cohort_sockets {

/// The address of a Unix-domain socket: a path, or "@name" for an abstract one.
struct UnixAddress {
  sockaddr_un address{};
  socklen_t size = 0;

  /// @throws Error that begins with `what`: the name is too long, or has a zero byte.
  UnixAddress(const std::string& name, const std::string& what);
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

/// Checks whether the process at the other end runs as this user. Abstract names give no protection, and another
/// process may have taken the name before the right one. @return "", or what is wrong.
std::string wrong_peer(int socket);

}  // namespace cohort_sockets
