#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <cohort/bytes.hpp>
#include <cohort/types.hpp>

#include "wire/byte_count.hpp"

// The messages on a connection after the handshake. A frame is a head (header, segment sizes, references), a body and
// segments, one after the other without padding; all numbers are little-endian. See docs/protocol.md.

namespace cohort {

enum class FrameKind : std::uint8_t {
  call = 1,
  call_fetch,
  remote_do,
  result,
  fetch,
  put,
  references,
  cancel,
  ping,
  pong,
  join,
  joined,
  members,
  dial,
  leave,
  launch,
  farewell,
  reap_worker,
  channel,
  tunnel,
  fate,
  arrive,
  status,
  drain,
  output,
};

/// Exactly the bytes at the beginning of a frame.
struct FrameHeader {
  std::uint32_t body_size = 0;
  FrameKind kind{};
  std::uint8_t flags = 0;
  std::uint16_t segment_count = 0;
  std::uint16_t reference_count = 0;
  std::uint16_t reserved = 0;
  std::uint32_t reserved2 = 0;
  std::uint64_t request = 0;
};
static_assert(sizeof(FrameHeader) == 24 && std::is_trivially_copyable_v<FrameHeader>);

/// A reference to a remote value in a frame: process `whence` chose its `id`, and process `where` owns the value.
struct ReferenceEntry {
  std::int32_t where = 0;
  std::int32_t whence = 0;
  std::uint64_t id = 0;
  friend bool operator==(const ReferenceEntry&, const ReferenceEntry&) = default;
};
static_assert(sizeof(ReferenceEntry) == 16 && std::is_trivially_copyable_v<ReferenceEntry>);

struct Frame {
  FrameHeader header;
  Bytes body;
  std::vector<Segment> segments;
  std::vector<ReferenceEntry> references;
  /// Not 0: there was no memory for this many bytes of the frame. It contains all references, at least the first
  /// Bytes::inline_capacity bytes of the body, and no segments. The rest was dropped, and the stream continues.
  std::uint64_t without_room = 0;
};

struct FrameLimits {
  std::uint64_t max_frame = std::uint64_t{16} << 30;  ///< bytes of head, body and segments together
};

/// Appends the head. `header` contains kind, flags and request; the sizes and counts are set here. The caller must then
/// write a body of `body_size` bytes, and the segments. @throws Error if the frame is larger than the receiver accepts.
void append_frame_head(Bytes& out, FrameHeader header, ByteCount body_size, std::span<const Segment> segments,
                       std::span<const ReferenceEntry> references, const FrameLimits& limits = {});

/// Splits a byte stream into frames. Large bodies and segments are received into their final memory, everything else
/// through a scratch buffer. One thread at a time.
///
///   loop { n = recv(decoder.prepare()); decoder.commit(n, [](Frame&& frame) {...}); }
///
/// If the stream breaks the rules, commit() throws BadMessage, and it cannot be read further. If there is no memory for
/// a frame, the frame is incomplete (Frame::without_room).
class FrameDecoder {
 public:
  /// Where the only segment of a frame is received; called before it is read, with its size. Null: in memory of its
  /// own.
  using MemoryFor = std::function<std::shared_ptr<std::byte>(const FrameHeader& header, std::size_t size)>;

  explicit FrameDecoder(FrameLimits limits = {}, MemoryFor memory_for = nullptr)
      : limits_(limits), memory_for_(std::move(memory_for)) {}

  /// Returns the memory for the next bytes; never empty.
  std::span<std::byte> prepare();

  /// Call it when the first `n` bytes of prepare()'s span were filled. It calls sink(Frame&&) for each complete frame.
  /// The sink may throw (commit(0, sink) continues after that frame), but must not destroy the decoder.
  template <class Sink>
  void commit(std::size_t n, Sink&& sink) {
    if (in_place_) {
      destination_ += n;
      missing_ -= n;
    } else {
      end_ += n;
    }
    for (;;) {
      if (part_ == Part::head) {
        if (end_ - begin_ < sizeof(FrameHeader)) return;
        FrameHeader header;
        std::memcpy(&header, scratch_.get() + begin_, sizeof(header));
        const bool whole = header.segment_count == 0 && header.reference_count == 0 &&
                           header.body_size <= end_ - begin_ - sizeof(header);
        if (whole) {
          check_header(header, 0);
          Frame frame{header, {}, {}, {}};
          frame.body.append(scratch_.get() + begin_ + sizeof(header), header.body_size);
          begin_ += sizeof(header) + header.body_size;
          sink(std::move(frame));
          continue;
        }
        begin_ += sizeof(header);
        begin_parts(header);
      }
      if (!fill_part()) return;
      if (next_part()) {
        part_ = Part::head;
        sink(std::exchange(frame_, Frame{}));
      }
    }
  }

  /// Whether the stream is between two frames: it may end here.
  bool idle() const noexcept { return part_ == Part::head && begin_ == end_; }
  /// Gives the scratch buffer to the thread while the decoder is idle; the thread's next prepare() of any decoder uses
  /// it. So idle connections hold no buffer, and nothing is allocated when they take turns.
  void trim() noexcept;

 private:
  enum class Part : std::uint8_t { head, tables, body, segment, dropped };

  void check_header(const FrameHeader& header, std::uint64_t segment_bytes) const;
  /// The frame is not whole: its parts are received one by one.
  void begin_parts(const FrameHeader& header);
  /// Copies what the scratch has for the current part. False: more must come.
  bool fill_part();
  /// Goes to the next part that has bytes. True: that was the last one.
  bool next_part();
  void begin_body();
  bool begin_segment();
  void drop(ByteCount bytes);
  void read_tables();

  FrameLimits limits_;
  const MemoryFor memory_for_;
  std::unique_ptr<std::byte[]> scratch_;
  std::size_t begin_ = 0;  // of the bytes in scratch_ that were not parsed yet
  std::size_t end_ = 0;
  bool in_place_ = false;  // prepare() gave out destination_, not scratch_

  // The frame being received by parts.
  Part part_ = Part::head;
  Frame frame_;
  Bytes tables_;  // segment sizes and references as they came
  std::vector<std::uint64_t> segment_sizes_;
  std::size_t to_drop_ = 0;           // bytes after the current part that there is no room for
  std::byte* destination_ = nullptr;  // of the next byte of the current part
  std::size_t missing_ = 0;           // bytes of the current part that have not come
};

}  // namespace cohort
