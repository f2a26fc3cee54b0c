#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include <cohort/file_descriptor.hpp>

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

/// Connects, and checks the process at the other end with wrong_peer(). Blocks only while the other side's backlog is
/// full. @param what how the errors begin. @throws Error, of the kind disconnected if nobody listens there;
/// TimeoutError at the deadline.
cohort::FileDescriptor dial(const UnixAddress& peer, cohort::Clock::time_point deadline, const std::string& what);

/// Listens, with a non-blocking socket. @throws Error that begins with `what`.
cohort::FileDescriptor listen(const UnixAddress& address, int backlog, const std::string& what);

/// @throws Error that begins with `what` if the process at the other end is none of this user.
void check_peer(int socket, const std::string& what);

}  // namespace cohort_sockets
