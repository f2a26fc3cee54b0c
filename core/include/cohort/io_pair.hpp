#pragma once

#include <cohort/detail/language.hpp>

#include <sys/uio.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <utility>

namespace cohort {

// The bytes of one connection, as two halves. Both never block and answer like the system calls do:
// a count, or a negative errno value; -EAGAIN means "not now, you will be told".
// They should not throw: what one throws, or an answer that is not allowed here, ends the connection with
// "<plugin>: <what>", and does no other harm.
//
// A half is used by one thread at a time. A half with a descriptor is watched by the node's loop; one without
// says when it is ready by its callback, which may come on any thread and must not block.
// The node owns a pair from the moment it is handed over, and destroys it after close().

/// Receives the bytes that a peer sent, in order.
class Reader {
 public:
  virtual ~Reader();
  /// Up to buffer.size() bytes. 0: the peer ended its side. -EAGAIN: nothing there yet. -ECONNRESET: the peer is gone.
  virtual ssize_t read(std::span<std::byte> buffer) = 0;
  /// The descriptor to poll for input, or -1. Always the same.
  virtual int descriptor() const { return -1; }
  /// For readers without a descriptor: call `ready` whenever a read that said -EAGAIN is worth another try.
  virtual void on_readable(std::function<void()> ready);
  /// After this, read() says 0 or -ECANCELED and no callback comes. Idempotent, any thread.
  virtual void close() = 0;
};

/// Sends bytes to a peer, in order.
class Writer {
 public:
  virtual ~Writer();
  /// As many bytes of the parts, in order, as there is room for; never 0. -EAGAIN: no room. -EPIPE: the peer is gone.
  /// What was not taken comes first in the next write.
  virtual ssize_t write(std::span<const iovec> parts) = 0;
  virtual int descriptor() const { return -1; }
  /// For writers without a descriptor: call `ready` whenever a write that said -EAGAIN is worth another try.
  virtual void on_writable(std::function<void()> ready);
  /// Ends this side: the peer reads what was written, then the end. Idempotent, any thread.
  virtual void close() = 0;
};

/// What a transport supplies: one logical connection.
struct IoPair {
  std::unique_ptr<Reader> reader;
  std::unique_ptr<Writer> writer;
  explicit operator bool() const { return reader && writer; }
};

/// A connected stream socket (TCP, Unix) as a pair. Owns `descriptor`, makes it non-blocking and close-on-exec.
IoPair make_socket_pair(int descriptor);

/// Two descriptors (pipes) as a pair; owns both, also when it throws. @throws Error: the process has no descriptor
/// left.
IoPair make_descriptor_pair(int read_descriptor, int write_descriptor);

/// An in-memory byte stream of bounded size, for transports whose bytes do not come by a descriptor (message queues,
/// ssh channels, MPI) and for tests. One side writes, the other reads; any two threads.
/// The transport's own thread uses read()/write() of its end like the node uses those of the other.
class BufferStream {
 public:
  /// @param capacity bytes held before write() says -EAGAIN.
  explicit BufferStream(std::size_t capacity = 1 << 20);
  ~BufferStream();
  std::unique_ptr<Reader> reader();  ///< the reading half; call once
  std::unique_ptr<Writer> writer();  ///< the writing half; call once

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Two ends of one in-memory connection: what is written to one is read from the other.
std::pair<IoPair, IoPair> make_buffer_pair(std::size_t capacity = 1 << 20);

}  // namespace cohort
