#include "tcp_sockets.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <system_error>
#include <utility>
#include <vector>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "tcp_address.hpp"

namespace cohort_tcp {
namespace {

using cohort::Clock;
using cohort::FileDescriptor;

void set_option(int socket, int level, int name, int value) { ::setsockopt(socket, level, name, &value, sizeof value); }

// One attempt. @return 0 and the connected socket, or the cause.
int dial_one(const SocketAddress& peer, Clock::time_point deadline, FileDescriptor& connected) {
  FileDescriptor socket(::socket(peer.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return errno;
  if (::connect(socket.get(), peer.get(), peer.size()) < 0) {
    if (errno != EINPROGRESS) return errno;
    pollfd done{socket.get(), POLLOUT, 0};
    while (::poll(&done, 1, cohort::poll_timeout(deadline)) <= 0)
      if (Clock::now() >= deadline) return ETIMEDOUT;
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) < 0) return errno;
    if (error != 0) return error;
  }
  // Dialling a free port of this host may pick that very port as one's own, and so reach oneself.
  if (peer == SocketAddress::of_socket(socket.get())) return ECONNREFUSED;
  connected = std::move(socket);
  return 0;
}

// An address that does not answer must not use up the time of those after it.
Clock::time_point share_of(Clock::time_point deadline, std::size_t attempts_left) {
  if (attempts_left == 1 || deadline == Clock::time_point::max()) return deadline;
  const auto now = Clock::now();
  return now + (deadline - now) / static_cast<long>(attempts_left);
}

std::string optional_string(const cohort::Options& options, const char* name) {
  return options.has(name) ? options.string(name) : "";
}

}  // namespace

TcpSettings::TcpSettings(const cohort::Options& options)
    : backlog(static_cast<int>(options.integer("backlog"))),
      interface(optional_string(options, "interface")),
      advertise(optional_string(options, "advertise")) {
  const auto timeout = options.duration("user_timeout");
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
  user_timeout = timeout == cohort::never ? 0 : static_cast<int>(std::clamp<long long>(milliseconds, 1, INT_MAX));
}

void set_up_connection(int socket, const TcpSettings& settings) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, settings.user_timeout);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
}

ListeningSocket listen_at(const std::string& bind, const TcpSettings& settings) {
  BindAddress wanted = parse_bind(bind);
  if (wanted.host.empty()) wanted.host = settings.interface.empty() ? "127.0.0.1" : address_on(settings.interface);
  int error = 0;
  for (int port = wanted.first_port; port <= wanted.last_port; ++port) {
    for (SocketAddress& address : resolve(wanted.host, "cannot listen at " + bind)) {
      address.set_port(port);
      FileDescriptor socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      if (socket) {
        set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
        if (::bind(socket.get(), address.get(), address.size()) == 0 && ::listen(socket.get(), settings.backlog) == 0) {
          const auto listening = SocketAddress::of_socket(socket.get());
          return {std::move(socket), settings.advertise.empty() ? announced_address(listening)
                                                                : join(settings.advertise, listening.port())};
        }
      }
      error = errno;
      if (error != EADDRINUSE && error != EACCES && error != EADDRNOTAVAIL && error != EAFNOSUPPORT) break;
    }
  }
  throw cohort::Error("cannot listen at " + (bind.empty() ? wanted.host : bind) + ": " +
                      std::generic_category().message(error));
}

FileDescriptor dial(const std::string& address, Clock::time_point deadline) {
  const std::string what = "cannot connect to " + cohort::excerpt(address);
  const HostPort peer = parse_host_port(address, what);
  std::vector<SocketAddress> addresses = resolve(peer.host, what);
  std::string causes;
  int error = 0;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    addresses[i].set_port(peer.port);
    FileDescriptor socket;
    error = dial_one(addresses[i], share_of(deadline, addresses.size() - i), socket);
    if (error == 0) return socket;
    causes += (i == 0 ? ": " : "; ") + std::generic_category().message(error);
    if (addresses.size() > 1) causes += " (" + addresses[i].text() + ")";
  }
  if (error == ETIMEDOUT && Clock::now() >= deadline) throw cohort::TimeoutError(what + causes);
  throw cohort::Error(what + causes, cohort::ErrorKind::disconnected);
}

}  // namespace cohort_tcp
