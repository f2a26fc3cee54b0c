#include "dial.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include <cohort/detail/text.hpp>

#include "launch_failure.hpp"

namespace cohort_ssh {
namespace {

void set_option(int socket, int level, int option, int value) {
  ::setsockopt(socket, level, option, &value, sizeof value);  // a wish: where it cannot be had, all works without
}

// libssh does this only for sockets that it opened itself.
void tune(int socket) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);  // else each request waits for the peer's delayed acknowledgement
  // A session may be silent for hours. A host that is gone is noticed, and routers on the way do not forget it.
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, 60'000);
}

// 0 or an errno value.
int try_connect(int socket, const ServerAddress& server, const Patience& patience) {
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&server.address), server.size) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (!patience.wait(socket, POLLOUT)) return patience.stopped() ? ECANCELED : ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

std::string hint_for(int error, int port) {
  switch (error) {
    case ECONNREFUSED:
      return "Does an sshd listen there, and is " + std::to_string(port) + " its port?";
    case ETIMEDOUT:
      return "Is the host up, and does no firewall on the way drop what is sent to port " + std::to_string(port) + "?";
    case EHOSTUNREACH:
    case ENETUNREACH:
      return "This host knows no way there: is the host up, and is this host in the right network?";
    default:
      return "";
  }
}

}  // namespace

std::vector<ServerAddress> resolve(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (error != 0) {  // loopback addresses do not count as configured ones
    hints.ai_flags = 0;
    error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  }
  if (error != 0)
    throw LaunchFailure("resolve", "there is no address for '" + cohort::excerpt(host) + "': " + ::gai_strerror(error),
                        "Is the name spelled right? A name that only ~/.ssh/config knows needs use_config.");
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(list, ::freeaddrinfo);
  std::vector<ServerAddress> found;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    ServerAddress& server = found.emplace_back();
    std::memcpy(&server.address, each->ai_addr, each->ai_addrlen);
    server.size = each->ai_addrlen;
    char text[NI_MAXHOST] = "";
    ::getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
    server.host = text;
  }
  return found;
}

Dialled dial(const std::vector<ServerAddress>& addresses, int port, const Patience& patience) {
  int error = ETIMEDOUT;
  for (const ServerAddress& server : addresses) {
    cohort::FileDescriptor socket(
        ::socket(server.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
    error = socket ? try_connect(socket.get(), server, patience) : errno;
    if (error == 0) {
      tune(socket.get());
      return {std::move(socket), server.host};
    }
    if (patience.over()) break;
  }
  throw LaunchFailure(
      "connect",
      addresses.front().host + " port " + std::to_string(port) + ": " + std::generic_category().message(error),
      hint_for(error, port));
}

}  // namespace cohort_ssh
