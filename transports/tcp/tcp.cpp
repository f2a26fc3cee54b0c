// Streams over TCP, IPv4 and IPv6.

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <cohort/file_descriptor.hpp>
#include <cohort/plugin.hpp>

#include "tcp_address.hpp"

namespace {

using namespace cohort_tcp;
using cohort::Clock;
using cohort::Error;
using cohort::ErrorKind;
using cohort::FileDescriptor;
using cohort::IoPair;
using cohort::OptionType;

constexpr cohort::Option tcp_options[] = {
    {"user_timeout", OptionType::duration, "\"60s\"",
     "time that sent data may stay unacknowledged before the connection is given up; never: the system's default",
     nullptr},
    {"backlog", OptionType::integer, "1024", "connections that may wait to be accepted", nullptr, 1, 65535},
};

void set_option(int socket, int level, int name, int value) { ::setsockopt(socket, level, name, &value, sizeof value); }

/// @param user_timeout milliseconds; 0: the system's default.
IoPair to_pair(FileDescriptor socket, int user_timeout) {
  set_option(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout);
  set_option(socket.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
  return cohort::make_socket_pair(socket.release());
}

class TcpListener final : public cohort::Listener {
 public:
  TcpListener(FileDescriptor socket, std::string address, int user_timeout)
      : socket_(std::move(socket)), address_(std::move(address)), user_timeout_(user_timeout), spare_(open_spare()) {}

  std::string address() const override { return address_; }
  int descriptor() const override { return socket_.get(); }

  std::optional<IoPair> accept() override {
    while (true) {
      FileDescriptor accepted(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (accepted) return to_pair(std::move(accepted), user_timeout_);
      switch (errno) {
        case EMFILE:
        case ENFILE:
          if (!refuse_one()) return std::nullopt;
          break;
        case EAGAIN:
        case EBADF:
        case EINVAL:
        case ENOBUFS:
        case ENOMEM:
        case ENOTSOCK:
        case EOPNOTSUPP:
          return std::nullopt;
        default:
          break;  // what befell that one connection (ECONNABORTED, EPERM, EHOSTUNREACH ...); on to the next
      }
    }
  }

 private:
  static FileDescriptor open_spare() { return FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

  // Without descriptors left, a waiting connection would keep the listener ready and its poller busy for ever.
  bool refuse_one() {
    if (!spare_) spare_ = open_spare();
    if (!spare_) return false;
    spare_.reset();
    FileDescriptor refused(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    const bool one = static_cast<bool>(refused);
    refused.reset();
    spare_ = open_spare();
    return one;
  }

  const FileDescriptor socket_;
  const std::string address_;
  const int user_timeout_;
  FileDescriptor spare_;
};

// One attempt. @return 0 and the connected socket, or the cause.
int dial(const SocketAddress& peer, Clock::time_point deadline, FileDescriptor& connected) {
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

class TcpTransport final : public cohort::Transport {
 public:
  explicit TcpTransport(const cohort::Options& options) : backlog_(static_cast<int>(options.integer("backlog"))) {
    const auto timeout = options.duration("user_timeout");
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
    user_timeout_ = timeout == cohort::never ? 0 : static_cast<int>(std::clamp<long long>(milliseconds, 1, INT_MAX));
  }

  std::unique_ptr<cohort::Listener> listen(const std::string& bind) override {
    const BindAddress wanted = parse_bind(bind);
    int error = 0;
    for (int port = wanted.first_port; port <= wanted.last_port; ++port) {
      for (SocketAddress& address : resolve(wanted.host, "cannot listen at " + bind)) {
        address.set_port(port);
        FileDescriptor socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (socket) {
          set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
          if (::bind(socket.get(), address.get(), address.size()) == 0 && ::listen(socket.get(), backlog_) == 0) {
            std::string announced = announced_address(SocketAddress::of_socket(socket.get()));
            return std::make_unique<TcpListener>(std::move(socket), std::move(announced), user_timeout_);
          }
        }
        error = errno;
        if (error != EADDRINUSE && error != EACCES && error != EADDRNOTAVAIL && error != EAFNOSUPPORT) break;
      }
    }
    throw Error("cannot listen at " + bind + ": " + std::generic_category().message(error));
  }

  IoPair connect(const std::string& address, Clock::time_point deadline) override {
    const std::string what = "cannot connect to " + address;
    const HostPort peer = parse_host_port(address, what);
    std::vector<SocketAddress> addresses = resolve(peer.host, what);
    std::string causes;
    int error = 0;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      addresses[i].set_port(peer.port);
      FileDescriptor socket;
      error = dial(addresses[i], share_of(deadline, addresses.size() - i), socket);
      if (error == 0) return to_pair(std::move(socket), user_timeout_);
      causes += (i == 0 ? ": " : "; ") + std::generic_category().message(error);
      if (addresses.size() > 1) causes += " (" + addresses[i].text() + ")";
    }
    if (error == ETIMEDOUT && Clock::now() >= deadline) throw cohort::TimeoutError(what + causes);
    throw Error(what + causes, ErrorKind::disconnected);
  }

 private:
  // An address that does not answer must not use up the time of those after it.
  static Clock::time_point share_of(Clock::time_point deadline, std::size_t attempts_left) {
    if (attempts_left == 1 || deadline == Clock::time_point::max()) return deadline;
    const auto now = Clock::now();
    return now + (deadline - now) / static_cast<long>(attempts_left);
  }

  int backlog_;
  int user_timeout_;  // milliseconds; 0: the system's default
};

}  // namespace

COHORT_TRANSPORT("tcp", TcpTransport, "0.1.0", tcp_options)
