#include <limits.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include <cohort/file_descriptor.hpp>
#include <cohort/io_pair.hpp>

#include "io/descriptor_flags.hpp"

namespace cohort {
namespace {

// Both halves share the socket, which is closed when the second of them is destroyed. close() of a half only shuts its
// direction down: the descriptor may be in use by another thread at that moment, and its number must not be reused.
using SharedSocket = std::shared_ptr<const FileDescriptor>;

class SocketReader final : public Reader {
 public:
  explicit SocketReader(SharedSocket socket) : socket_(std::move(socket)) {}
  ~SocketReader() override { close(); }

  ssize_t read(std::span<std::byte> buffer) override {
    // The kernel would still hand out what arrived before, or even after, the shutdown.
    if (closed_.load(std::memory_order_relaxed)) return 0;
    while (true) {
      const ssize_t count = ::recv(socket_->get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (count >= 0) return count;
      if (errno != EINTR) return -errno;
    }
  }
  int descriptor() const override { return socket_->get(); }
  void close() override {
    if (!closed_.exchange(true)) ::shutdown(socket_->get(), SHUT_RD);
  }

 private:
  const SharedSocket socket_;
  std::atomic<bool> closed_{false};
};

class SocketWriter final : public Writer {
 public:
  explicit SocketWriter(SharedSocket socket) : socket_(std::move(socket)) {}
  ~SocketWriter() override { close(); }

  ssize_t write(std::span<const iovec> parts) override {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data());  // sendmsg only reads it
    message.msg_iovlen = std::min<std::size_t>(parts.size(), IOV_MAX);
    while (true) {
      const ssize_t count = ::sendmsg(socket_->get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count >= 0) return count;
      if (errno != EINTR) return -errno;
    }
  }
  int descriptor() const override { return socket_->get(); }
  void close() override {
    if (!closed_.exchange(true)) ::shutdown(socket_->get(), SHUT_WR);
  }

 private:
  const SharedSocket socket_;
  std::atomic<bool> closed_{false};
};

}  // namespace

IoPair make_socket_pair(int descriptor) {
  auto socket = std::make_shared<const FileDescriptor>(descriptor);
  detail::make_nonblocking_cloexec(descriptor);
  return {std::make_unique<SocketReader>(socket), std::make_unique<SocketWriter>(socket)};
}

}  // namespace cohort
