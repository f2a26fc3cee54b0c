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

/// Whether the process at the other end runs as this user. Abstract names protect nothing by themselves, and whoever
/// listens at a name may have taken it before the right one did.
/// @return "", or what is wrong.
std::string wrong_peer(int socket);

}  // namespace cohort_sockets
