#include "floors/sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace floors {

void fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

int tcp_socket() {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) fail("socket");
  return descriptor;
}

}  // namespace

void prepare_socket(int descriptor) {
  const timeval limit{30, 0};
  const int on = 1;
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // a Unix socket refuses it, and has no need
}

TcpListener::TcpListener() : descriptor(tcp_socket()) {
  prepare_socket(descriptor);  // the limit holds for accept, too
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(descriptor, 1024) != 0 ||
      getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    close(descriptor);
    fail("listen on 127.0.0.1");
  }
  port = ntohs(address.sin_port);
}

TcpListener::~TcpListener() { close(descriptor); }

int TcpListener::accept() {
  const int connection = accept4(descriptor, nullptr, nullptr, SOCK_CLOEXEC);
  if (connection < 0) fail("accept");
  prepare_socket(connection);
  return connection;
}

int connect_tcp(int port) {
  const int descriptor = tcp_socket();
  prepare_socket(descriptor);
  const auto address = loopback(port);
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(descriptor);
    fail("connect to 127.0.0.1:" + std::to_string(port));
  }
  return descriptor;
}

void write_all(int descriptor, const void* data, std::size_t size) {
  for (auto* next = static_cast<const char*>(data); size > 0;) {
    const ssize_t sent = send(descriptor, next, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) fail("send");
    next += sent;
    size -= static_cast<std::size_t>(sent);
  }
}

void read_all(int descriptor, void* data, std::size_t size) {
  for (auto* next = static_cast<char*>(data); size > 0;) {
    const ssize_t received = recv(descriptor, next, size, 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) fail("recv");
    if (received == 0) throw std::runtime_error("recv: the peer is gone");
    next += received;
    size -= static_cast<std::size_t>(received);
  }
}

}  // namespace floors
