#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <cohort/file_descriptor.hpp>
#include <cohort/io_pair.hpp>
#include <cohort/types.hpp>

namespace cohort_shm {

// A byte stream through memory that two processes share. One of them writes into a ring, the other one reads.
//
// Both count the bytes since the beginning. What a process counts itself it keeps in memory of its own, and only shows
// it in the ring. What the other one shows is read once, and checked: no more bytes can be in the ring than fit in.
// Nothing else is trusted, so a peer that does anything to the ring can make this connection fail, or stand still, but
// nothing more.
//
// A process that has to wait polls a pipe, the *bell*: the reader until there are bytes, the writer until there is
// room. It first says in the ring that it waits, and then looks again. The other one first shows its progress, and then
// looks whether somebody waits. All four are sequentially consistent operations, so at least one of the two sees what
// the other one did: either nobody waits, or the bell is rung. Where nobody waits, no system call is made.
//
// The bell has two places for packets of one byte (O_DIRECT). The number of packets in it says:
//   0  the reader waits: the ring was empty when it looked for the last time.
//   1  the reader has something to read, or has to look.
//   2  the same, and the writer waits for room; the bell is full, so it is not ready for writing.
// The writer adds a packet for a reader that waits, and one before it waits itself. The reader takes one out before it
// waits itself, and one when there is room for a writer that waits. Whoever changes a flag from 1 to 0 is to act for
// it: so each packet is added once and taken once. If a packet comes late, the reader finds one too many later, and
// takes it out then; a writer that finds the bell full of it waits for that instead. A reader that spins leaves the
// packet in until it waits. The writer's process can also read from the bell, so it never gets SIGPIPE; the reader's
// cannot write to it, so it reads the end of the bell when the writer's process has ended.

/// One direction of a connection, in shared memory. Zero, except for `reader_sleeps`.
struct RingState {
  // What the writer shows.
  alignas(64) std::atomic<std::uint64_t> written;  // bytes
  std::atomic<std::uint64_t> base;                 // of `written`; this byte is at the beginning of the ring
  std::atomic<std::uint32_t> writer_closed;
  // What the reader shows.
  alignas(64) std::atomic<std::uint64_t> read;  // bytes
  std::atomic<std::uint32_t> reader_closed;
  // 1 or 0; set by the one who waits, reset by anyone.
  alignas(64) std::atomic<std::uint32_t> reader_sleeps;
  std::atomic<std::uint32_t> writer_waits;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);

/// Where one direction lies in the memory that both processes have mapped.
struct Ring {
  RingState* state;
  std::byte* bytes;
  std::size_t capacity;  // a power of two
};

/// What both halves of a connection use, and what keeps it alive: the mapping, and this process's ends of two bells.
class Link {
 public:
  /// @param memory as make_sealed_memory() makes it, of link_bytes. @param in, out this process's ends of the bells:
  /// `in` to be read, `out` to be written and read. All become this object's. @param first this process is the one that
  /// made the memory. @throws Error if it cannot be mapped.
  Link(const cohort::FileDescriptor& memory, cohort::FileDescriptor in, cohort::FileDescriptor out, bool first);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  const Ring& in() const { return in_; }
  const Ring& out() const { return out_; }
  int bell_in() const { return bells_.reader->descriptor(); }
  int bell_out() const { return bells_.writer->descriptor(); }

 private:
  std::byte* mapped_;
  cohort::IoPair bells_;  // which has them closed in children of fork()
  Ring in_, out_;
};

inline constexpr std::size_t ring_capacity = 1 << 20;
/// Of the memory of a connection: a page for the states, and two rings.
inline constexpr std::size_t link_bytes = 4096 + 2 * ring_capacity;

/// Pages of a ring that are in use by large messages are given back when none came for this time.
inline constexpr cohort::Duration keep_pages = std::chrono::seconds(1);

/// The stream over a link.
cohort::IoPair make_ring_pair(std::shared_ptr<Link> link, cohort::Duration keep = keep_pages);

}  // namespace cohort_shm
