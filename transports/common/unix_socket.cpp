#include "unix_socket.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <system_error>

#include <cohort/error.hpp>

namespace cohort_sockets {

UnixAddress::UnixAddress(const std::string& name, const std::string& what) {
  if (name.size() >= sizeof address.sun_path)
    throw cohort::Error(what + ": names of Unix sockets have at most " + std::to_string(sizeof address.sun_path - 1) +
                        " bytes, this has " + std::to_string(name.size()));
  if (name.find('\0') != std::string::npos) throw cohort::Error(what + ": the name contains a zero byte");
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name.starts_with('@')) address.sun_path[0] = '\0';
  size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (name.starts_with('@') ? 0 : 1));
}

std::string wrong_peer(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return std::generic_category().message(errno);
  if (peer.uid == ::geteuid()) return "";
  return "process " + std::to_string(peer.pid) + " there belongs to user " + std::to_string(peer.uid) + ", not to " +
         std::to_string(::geteuid());
}

}  // namespace cohort_sockets
