#pragma once

#include <cohort/detail/language.hpp>

#include <sys/uio.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <utility>

namespace COHORT_EXPORT cohort {

// The bytes of one connection, as two halves. They never block, and return a count or a negative errno value;
// -EAGAIN means "not now", and the half must signal later when it is ready.
// They should not throw: an exception, or a return value that is not allowed here, ends the connection with
// "<plugin>: <what>", and has no other effect.
//
// One thread at a time uses a half. The node's event loop polls the descriptor of a half. A half without a descriptor
// calls its callback when it is ready; it may do so on any thread, and the callback must not block.
// The node owns a pair from the moment it gets it, and destroys it after close().

/// Receives the bytes that a peer sent, in order.
class Reader {
 public:
  virtual ~Reader();
  /// Reads up to buffer.size() bytes, and returns their number. 0: the peer ended its side. -EAGAIN: no bytes yet.
  /// -ECONNRESET: the peer is gone.
  virtual ssize_t read(std::span<std::byte> buffer) = 0;
  /// The descriptor to poll for input, or -1. Always returns the same value.
  virtual int descriptor() const { return -1; }
  /// For readers without a descriptor: call `ready` when read() has returned -EAGAIN and may now succeed.
  virtual void on_readable(std::function<void()> ready);
  /// Afterwards read() returns 0 or -ECANCELED, and no callback is called. Idempotent. May be called from any thread.
  virtual void close() = 0;
};

/// Sends bytes to a peer, in order.
class Writer {
 public:
  virtual ~Writer();
  /// Accepts bytes of the parts, in order, as far as there is room, and returns their number; never 0. -EAGAIN: no
  /// room. -EPIPE: the peer is gone. Bytes that were not accepted come first in the next write.
  virtual ssize_t write(std::span<const iovec> parts) = 0;
  virtual int descriptor() const { return -1; }
  /// For writers without a descriptor: call `ready` when write() has returned -EAGAIN and may now succeed.
  virtual void on_writable(std::function<void()> ready);
  /// Ends this side: the peer reads what was written, then the end. Idempotent. May be called from any thread.
  virtual void close() = 0;
};

/// One logical connection, made by a transport.
struct IoPair {
  std::unique_ptr<Reader> reader;
  std::unique_ptr<Writer> writer;
  explicit operator bool() const { return reader && writer; }
};

/// Makes a pair of a connected stream socket (TCP, Unix). Owns `descriptor`, makes it non-blocking and close-on-exec.
IoPair make_socket_pair(int descriptor);

/// Makes a pair of two descriptors (pipes); owns both, also if it throws. @throws Error if the process has no
/// descriptor left.
IoPair make_descriptor_pair(int read_descriptor, int write_descriptor);

/// An in-memory byte stream of bounded size, for transports without a descriptor (message queues, ssh channels, MPI),
/// and for tests. One thread may write while another one reads.
/// The transport's own thread calls read() or write() of its end, as the node does at the other end.
class BufferStream {
 public:
  /// @param capacity bytes that it stores before write() returns -EAGAIN.
  explicit BufferStream(std::size_t capacity = 1 << 20);
  ~BufferStream();
  std::unique_ptr<Reader> reader();  ///< the reading half; call once
  std::unique_ptr<Writer> writer();  ///< the writing half; call once

 private:
  struct COHORT_HIDDEN State;
  std::shared_ptr<State> state_;
};

/// Makes the two ends of an in-memory connection: bytes written to one end are read at the other.
std::pair<IoPair, IoPair> make_buffer_pair(std::size_t capacity = 1 << 20);

}  // namespace cohort
