#include <limits.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include <cohort/file_descriptor.hpp>
#include <cohort/io_pair.hpp>

#include "base/forked_child.hpp"
#include "io/descriptor_flags.hpp"

namespace cohort {
namespace {

// Both halves share the socket, which is closed when the second of them is destroyed. close() of a half only shuts its
// direction down: the descriptor may be in use by another thread at that moment, and its number must not be reused.
struct Socket {
  explicit Socket(int number) : descriptor(number), closed_in_forked_children(number) {}
  int get() const { return descriptor.get(); }
  const FileDescriptor descriptor;
  const ClosedInForkedChildren closed_in_forked_children;
};
using SharedSocket = std::shared_ptr<const Socket>;

constexpr std::size_t small_message = 512;  // bytes; copying so few costs less than handing the kernel a list of parts

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
    std::array<std::byte, small_message> joined;
    std::size_t size = 0;
    for (const iovec& part : parts) {
      if (part.iov_len > joined.size() - size) return write_parts(parts);
      std::memcpy(joined.data() + size, part.iov_base, part.iov_len);
      size += part.iov_len;
    }
    while (true) {
      const ssize_t count = ::send(socket_->get(), joined.data(), size, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count >= 0) return count;
      if (errno != EINTR) return -errno;
    }
  }
  int descriptor() const override { return socket_->get(); }
  void close() override {
    if (!closed_.exchange(true)) ::shutdown(socket_->get(), SHUT_WR);
  }

 private:
  ssize_t write_parts(std::span<const iovec> parts) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data());  // sendmsg only reads it
    message.msg_iovlen = std::min<std::size_t>(parts.size(), IOV_MAX);
    while (true) {
      const ssize_t count = ::sendmsg(socket_->get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count >= 0) return count;
      if (errno != EINTR) return -errno;
    }
  }

  const SharedSocket socket_;
  std::atomic<bool> closed_{false};
};

}  // namespace

IoPair make_socket_pair(int descriptor) {
  auto socket = std::make_shared<const Socket>(descriptor);
  detail::make_nonblocking_cloexec(descriptor);
  return {std::make_unique<SocketReader>(socket), std::make_unique<SocketWriter>(socket)};
}

}  // namespace cohort
