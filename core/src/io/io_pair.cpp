#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>
#include <cohort/io_pair.hpp>

#include "base/forked_child.hpp"
#include "base/process_settings.hpp"

namespace cohort {

Reader::~Reader() = default;
Writer::~Writer() = default;

// A half with a descriptor is polled and needs no callback. One without must override this, else its first -EAGAIN
// would be waited on for ever.
void Reader::on_readable(std::function<void()>) {
  if (descriptor() < 0) throw Error("a Reader without a descriptor must override on_readable()");
}

void Writer::on_writable(std::function<void()>) {
  if (descriptor() < 0) throw Error("a Writer without a descriptor must override on_writable()");
}

namespace {

// What stands behind the number of a half that was closed: a pipe at its end, always ready, so that whoever polls it
// looks again. Made with the first pair, as close() cannot fail; kept for all of them. @throws Error: no descriptor
// left.
int closed_stand_in() {
  static const int descriptor = [] {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
      throw Error(std::string("no connection over pipes can be made: ") + std::strerror(errno), ErrorKind::overloaded);
    ::close(ends[1]);
    return ends[0];
  }();
  return descriptor;
}

// One direction of a pipe. A pipe has no shutdown(), and closing the number under another thread's read() would let a
// stranger reuse it. So close() puts another file behind the number: the pipe ends, the number stays taken until here.
class PipeEnd {
 public:
  explicit PipeEnd(int descriptor)
      : descriptor_(descriptor), closed_in_forked_children_(descriptor), stand_in_(closed_stand_in()) {}

  int get() const { return descriptor_.get(); }
  bool closed() const { return closed_.load(std::memory_order_relaxed); }
  void close() {
    if (closed_.exchange(true)) return;
    while (::dup3(stand_in_, descriptor_.get(), O_CLOEXEC) < 0 && (errno == EINTR || errno == EBUSY)) {
    }
  }

 private:
  const FileDescriptor descriptor_;
  const ClosedInForkedChildren closed_in_forked_children_;
  const int stand_in_;
  std::atomic<bool> closed_{false};
};

// Writing to a pipe has no MSG_NOSIGNAL: keeps SIGPIPE from this thread while it writes.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  ~WithoutSigpipe() {
    const timespec at_once{};
    if (raised && !was_pending_) sigtimedwait(&sigpipe_, nullptr, &at_once);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  bool raised = false;

 private:
  sigset_t sigpipe_;
  sigset_t before_;
  bool was_pending_;
};

class PipeReader final : public Reader {
 public:
  explicit PipeReader(int descriptor) : end_(descriptor) {}

  ssize_t read(std::span<std::byte> buffer) override {
    while (true) {
      if (end_.closed()) return 0;
      const ssize_t count = ::read(end_.get(), buffer.data(), buffer.size());
      if (count >= 0) return count;
      if (errno != EINTR) return -errno;
    }
  }
  int descriptor() const override { return end_.get(); }
  void close() override { end_.close(); }

 private:
  PipeEnd end_;
};

class PipeWriter final : public Writer {
 public:
  explicit PipeWriter(int descriptor) : end_(descriptor) {}

  ssize_t write(std::span<const iovec> parts) override {
    const int count_of_parts = static_cast<int>(std::min<std::size_t>(parts.size(), IOV_MAX));
    WithoutSigpipe guard;
    while (true) {
      if (end_.closed()) return -EPIPE;
      const ssize_t count = ::writev(end_.get(), parts.data(), count_of_parts);
      if (count >= 0) return count;
      if (errno == EPIPE) guard.raised = true;
      if (errno == EBADF) return -EPIPE;  // closed by another thread meanwhile
      if (errno != EINTR) return -errno;
    }
  }
  int descriptor() const override { return end_.get(); }
  void close() override { end_.close(); }

 private:
  PipeEnd end_;
};

}  // namespace

IoPair make_descriptor_pair(int read_descriptor, int write_descriptor) {
  FileDescriptor reading(read_descriptor), writing(write_descriptor);  // until the halves own them, as those may throw
  closed_stand_in();
  make_nonblocking_cloexec(read_descriptor);
  make_nonblocking_cloexec(write_descriptor);
  auto reader = std::make_unique<PipeReader>(reading.release());
  return {std::move(reader), std::make_unique<PipeWriter>(writing.release())};
}

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
  make_nonblocking_cloexec(descriptor);
  return {std::make_unique<SocketReader>(socket), std::make_unique<SocketWriter>(socket)};
}

}  // namespace cohort
