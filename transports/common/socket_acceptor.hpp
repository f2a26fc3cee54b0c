#pragma once

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include <cohort/file_descriptor.hpp>

namespace cohort_sockets {

/// A listening socket, and the functions to accept from it. One thread at a time.
class SocketAcceptor {
 public:
  explicit SocketAcceptor(cohort::FileDescriptor socket) : socket_(std::move(socket)), spare_(open_spare()) {}

  int descriptor() const { return socket_.get(); }

  /// The next waiting connection, non-blocking, or nothing. Never waits.
  cohort::FileDescriptor accept() {
    while (true) {
      cohort::FileDescriptor accepted(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (accepted) return accepted;
      switch (errno) {
        case EMFILE:
        case ENFILE:
          if (!refuse_one()) return {};
          break;
        case EAGAIN:
        case EBADF:
        case EINVAL:
        case ENOBUFS:
        case ENOMEM:
        case ENOTSOCK:
        case EOPNOTSUPP:
          return {};
        default:
          break;  // what befell that one connection (ECONNABORTED, EPERM, EHOSTUNREACH ...); on to the next
      }
    }
  }

 private:
  static cohort::FileDescriptor open_spare() {
    return cohort::FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }

  // If no descriptor is left, a waiting connection would keep the listener ready and its poller busy forever.
  bool refuse_one() {
    if (!spare_) spare_ = open_spare();
    if (!spare_) return false;
    spare_.reset();
    cohort::FileDescriptor refused(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    const bool one = static_cast<bool>(refused);
    refused.reset();
    spare_ = open_spare();
    return one;
  }

  const cohort::FileDescriptor socket_;
  cohort::FileDescriptor spare_;
};

}  // namespace cohort_sockets
