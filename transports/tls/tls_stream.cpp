#include "tls_stream.hpp"

#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include <cohort/detail/mutex.hpp>
#include <cohort/error.hpp>

namespace cohort_tls {
namespace {

using cohort::FileDescriptor;

constexpr std::size_t record_size = 16 << 10;  // what TLS encrypts at once

// Always readable.
int always_ready() {
  static const int descriptor = ::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
  return descriptor;
}

// One connection, for both halves.
class TlsStream {
 public:
  TlsStream(FileDescriptor socket, Ssl ssl)
      : socket_(std::move(socket)), readable_(::epoll_create1(EPOLL_CLOEXEC)), ssl_(std::move(ssl)) {
    epoll_event event{EPOLLIN | EPOLLRDHUP, {}};
    if (!readable_ || always_ready() < 0 || ::epoll_ctl(readable_.get(), EPOLL_CTL_ADD, socket_.get(), &event) < 0)
      throw cohort::Error("tls: no descriptors left", cohort::ErrorKind::overloaded);
  }

  int readable_descriptor() const { return readable_.get(); }
  int writable_descriptor() const { return socket_.get(); }

  // Fills the buffer as far as it can: a buffer that is not full says that no more is there.
  ssize_t read(std::span<std::byte> buffer) {
    const cohort::detail::MutexLock lock(mutex_);
    std::size_t filled = 0;
    while (!reader_closed_ && read_result_ < 0 && filled < buffer.size()) {
      std::size_t count = 0;
      ERR_clear_error();
      errno = 0;
      const int result = SSL_read_ex(ssl_.get(), buffer.data() + filled, buffer.size() - filled, &count);
      filled += count;
      if (result == 1) continue;
      const int kind = SSL_get_error(ssl_.get(), result);
      if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) break;
      // An end that the peer did not say is a broken connection: somebody may have cut it.
      read_result_ = kind == SSL_ERROR_ZERO_RETURN ? 0 : ECONNRESET;
    }
    // What is decrypted already, or was received along with it, is not seen by a poll of the socket.
    show_ready(filled == buffer.size() && SSL_has_pending(ssl_.get()) == 1);
    if (filled > 0) return static_cast<ssize_t>(filled);
    if (reader_closed_) return 0;
    return read_result_ < 0 ? -EAGAIN : -read_result_;
  }

  ssize_t write(std::span<const iovec> parts) {
    const cohort::detail::MutexLock lock(mutex_);
    if (writer_closed_ || write_failed_) return -EPIPE;
    if (!record_.empty()) {
      if (const ssize_t result = send_record(); result < 0) return result;
      unreported_ += record_.size();
      record_.clear();
    }
    // The writer comes again with what was not reported as written: it has been sent meanwhile.
    Gatherer input(parts);
    std::size_t taken = input.skip(unreported_);
    unreported_ -= taken;
    while (true) {
      input.take(record_, record_size);
      if (record_.empty()) return static_cast<ssize_t>(taken);
      if (const ssize_t result = send_record(); result < 0) return taken > 0 ? static_cast<ssize_t>(taken) : result;
      taken += record_.size();
      record_.clear();
    }
  }

  void close_reader() {
    const cohort::detail::MutexLock lock(mutex_);
    if (!std::exchange(reader_closed_, true)) ::shutdown(socket_.get(), SHUT_RD);
  }

  void close_writer() {
    const cohort::detail::MutexLock lock(mutex_);
    if (std::exchange(writer_closed_, true)) return;
    ERR_clear_error();
    if (!write_failed_) SSL_shutdown(ssl_.get());
    ::shutdown(socket_.get(), SHUT_WR);
  }

 private:
  // Takes bytes from parts, in order.
  class Gatherer {
   public:
    explicit Gatherer(std::span<const iovec> parts) : parts_(parts) {}
    void take(std::vector<std::byte>& into, std::size_t most) {
      while (!parts_.empty() && into.size() < most) {
        const auto* bytes = static_cast<const std::byte*>(parts_.front().iov_base) + offset_;
        const std::size_t count = std::min(most - into.size(), parts_.front().iov_len - offset_);
        into.insert(into.end(), bytes, bytes + count);
        advance(count);
      }
    }
    std::size_t skip(std::size_t most) {
      std::size_t skipped = 0;
      while (!parts_.empty() && (skipped < most || parts_.front().iov_len == offset_)) {
        const std::size_t count = std::min(most - skipped, parts_.front().iov_len - offset_);
        skipped += count;
        advance(count);
      }
      return skipped;
    }

   private:
    void advance(std::size_t count) {
      offset_ += count;
      if (offset_ < parts_.front().iov_len) return;
      parts_ = parts_.subspan(1);
      offset_ = 0;
    }
    std::span<const iovec> parts_;
    std::size_t offset_ = 0;
  };

  // @return 0, or a negative errno value.
  ssize_t send_record() COHORT_REQUIRES(mutex_) {
    std::size_t sent = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(ssl_.get(), record_.data(), record_.size(), &sent);
    if (result == 1) return 0;  // all of it: one record is never divided
    const int kind = SSL_get_error(ssl_.get(), result);
    if (kind == SSL_ERROR_WANT_WRITE || kind == SSL_ERROR_WANT_READ) return -EAGAIN;
    write_failed_ = true;
    return -EPIPE;
  }

  void show_ready(bool ready) COHORT_REQUIRES(mutex_) {
    if (ready == shown_ready_) return;
    shown_ready_ = ready;
    epoll_event event{EPOLLIN, {}};
    ::epoll_ctl(readable_.get(), ready ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, always_ready(), &event);
  }

  const FileDescriptor socket_;
  const FileDescriptor readable_;  // polls the socket, and always_ready() while bytes are left in OpenSSL

  cohort::detail::Mutex mutex_;  // OpenSSL allows one thread at a time, and the halves have two
  const Ssl ssl_ COHORT_GUARDED_BY(mutex_);
  // Text that OpenSSL was given and wants again, as it has not sent all of it.
  std::vector<std::byte> record_ COHORT_GUARDED_BY(mutex_);
  std::size_t unreported_ COHORT_GUARDED_BY(mutex_) = 0;  // bytes sent that write() did not count yet
  int read_result_ COHORT_GUARDED_BY(mutex_) = -1;        // not negative: what read() says from now on, negated
  bool shown_ready_ COHORT_GUARDED_BY(mutex_) = false;
  bool write_failed_ COHORT_GUARDED_BY(mutex_) = false;
  bool reader_closed_ COHORT_GUARDED_BY(mutex_) = false;
  bool writer_closed_ COHORT_GUARDED_BY(mutex_) = false;
};

class TlsReader final : public cohort::Reader {
 public:
  explicit TlsReader(std::shared_ptr<TlsStream> stream) : stream_(std::move(stream)) {}
  ~TlsReader() override { stream_->close_reader(); }
  ssize_t read(std::span<std::byte> buffer) override { return stream_->read(buffer); }
  int descriptor() const override { return stream_->readable_descriptor(); }
  void close() override { stream_->close_reader(); }

 private:
  const std::shared_ptr<TlsStream> stream_;
};

class TlsWriter final : public cohort::Writer {
 public:
  explicit TlsWriter(std::shared_ptr<TlsStream> stream) : stream_(std::move(stream)) {}
  ~TlsWriter() override { stream_->close_writer(); }
  ssize_t write(std::span<const iovec> parts) override { return stream_->write(parts); }
  int descriptor() const override { return stream_->writable_descriptor(); }
  void close() override { stream_->close_writer(); }

 private:
  const std::shared_ptr<TlsStream> stream_;
};

}  // namespace

cohort::IoPair make_tls_pair(FileDescriptor socket, Ssl ssl) {
  auto stream = std::make_shared<TlsStream>(std::move(socket), std::move(ssl));
  return {std::make_unique<TlsReader>(stream), std::make_unique<TlsWriter>(stream)};
}

}  // namespace cohort_tls
