#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>
#include <cohort/io_pair.hpp>

#include "io/descriptor_flags.hpp"

namespace cohort {
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
  explicit PipeEnd(int descriptor) : descriptor_(descriptor), stand_in_(closed_stand_in()) {}

  int get() const { return descriptor_.get(); }
  bool closed() const { return closed_.load(std::memory_order_relaxed); }
  void close() {
    if (closed_.exchange(true)) return;
    while (::dup3(stand_in_, descriptor_.get(), O_CLOEXEC) < 0 && (errno == EINTR || errno == EBUSY)) {
    }
  }

 private:
  const FileDescriptor descriptor_;
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
  detail::make_nonblocking_cloexec(read_descriptor);
  detail::make_nonblocking_cloexec(write_descriptor);
  auto reader = std::make_unique<PipeReader>(reading.release());
  return {std::move(reader), std::make_unique<PipeWriter>(writing.release())};
}

}  // namespace cohort
