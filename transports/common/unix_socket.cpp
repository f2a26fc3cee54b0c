#include "unix_socket.hpp"

#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <system_error>

#include <cohort/error.hpp>

namespace cohort_sockets {
namespace {

std::string cause(int error) { return std::generic_category().message(error); }

}  // namespace

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
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return cause(errno);
  if (peer.uid == ::geteuid()) return "";
  return "process " + std::to_string(peer.pid) + " there belongs to user " + std::to_string(peer.uid) + ", not to " +
         std::to_string(::geteuid());
}

void check_peer(int socket, const std::string& what) {
  const std::string wrong = wrong_peer(socket);
  if (!wrong.empty()) throw cohort::Error(what + ": " + wrong);
}

cohort::FileDescriptor dial(const UnixAddress& peer, cohort::Clock::time_point deadline, const std::string& what) {
  cohort::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) throw cohort::Error(what + ": " + cause(errno), cohort::ErrorKind::overloaded);
  while (true) {
    if (const int left = cohort::poll_timeout(deadline); deadline != cohort::Clock::time_point::max()) {
      const int limit = std::max(left, 1);  // 0 would be for ever
      const timeval time{limit / 1000, limit % 1000 * 1000};
      ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    }
    if (::connect(socket.get(), peer.get(), peer.size) == 0) break;
    const int error = errno;
    if (error != EINTR && error != EAGAIN)
      throw cohort::Error(what + ": " + cause(error), cohort::ErrorKind::disconnected);
    if (cohort::Clock::now() >= deadline) throw cohort::TimeoutError(what + ": it accepts nobody");
  }
  check_peer(socket.get(), what);
  return socket;
}

cohort::FileDescriptor listen(const UnixAddress& address, int backlog, const std::string& what) {
  cohort::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket || ::bind(socket.get(), address.get(), address.size) < 0 || ::listen(socket.get(), backlog) < 0)
    throw cohort::Error(what + ": " + cause(errno));
  return socket;
}

}  // namespace cohort_sockets
