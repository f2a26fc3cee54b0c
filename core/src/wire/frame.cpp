#include "wire/frame.hpp"

#include <algorithm>
#include <string>

#include <cohort/error.hpp>

#include "wire/segment_pool.hpp"

namespace cohort {
namespace {

constexpr std::size_t scratch_size = 64 * 1024;
// Less than this is read together with what follows and copied; more is received where it stays.
constexpr std::size_t in_place_from = 16 * 1024;

std::size_t tables_size(const FrameHeader& header) {
  return header.segment_count * sizeof(std::uint64_t) + header.reference_count * sizeof(ReferenceEntry);
}

/// Sum that stays at the largest number instead of wrapping.
std::uint64_t add(std::uint64_t a, std::uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

std::uint64_t frame_size(const FrameHeader& header, std::uint64_t segment_bytes) {
  return add(sizeof(header) + tables_size(header) + header.body_size, segment_bytes);
}

}  // namespace

void append_frame_head(Bytes& out, FrameHeader header, std::span<const Segment> segments,
                       std::span<const ReferenceEntry> references, const FrameLimits& limits) {
  if (segments.size() > UINT16_MAX || references.size() > UINT16_MAX)
    throw Error("a message can have at most 65535 segments and 65535 remote references");
  header.segment_count = static_cast<std::uint16_t>(segments.size());
  header.reference_count = static_cast<std::uint16_t>(references.size());
  std::uint64_t segment_bytes = 0;
  for (const Segment& segment : segments) segment_bytes = add(segment_bytes, segment.size);
  const std::uint64_t size = frame_size(header, segment_bytes);
  if (size > limits.max_frame)
    throw Error("a message of " + std::to_string(size) + " bytes is larger than the limit of " +
                std::to_string(limits.max_frame) + "; send it in parts");
  out.append(&header, sizeof(header));
  for (const Segment& segment : segments) {
    const std::uint64_t segment_size = segment.size;
    out.append(&segment_size, sizeof(segment_size));
  }
  out.append(references.data(), references.size_bytes());
}

std::span<std::byte> FrameDecoder::prepare() {
  in_place_ = missing_ >= in_place_from;
  if (in_place_) return {destination_, missing_};
  if (!scratch_) scratch_ = std::make_unique_for_overwrite<std::byte[]>(scratch_size);
  if (begin_ != 0) {  // what is left is less than a header, unless a sink threw
    std::memmove(scratch_.get(), scratch_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return {scratch_.get() + end_, scratch_size - end_};
}

void FrameDecoder::check_header(const FrameHeader& header, std::uint64_t segment_bytes) const {
  if (header.reserved != 0 || header.reserved2 != 0)
    throw BadMessage("a frame's reserved bytes are not zero: the peer does not speak this protocol");
  const std::uint64_t size = frame_size(header, segment_bytes);
  if (size > limits_.max_frame)
    throw BadMessage("the peer announced a frame of " + std::to_string(size) + " bytes, the limit is " +
                     std::to_string(limits_.max_frame));
}

void FrameDecoder::begin_parts(const FrameHeader& header) {
  check_header(header, 0);
  frame_.header = header;
  part_ = Part::tables;
  tables_.resize(tables_size(header));
  destination_ = tables_.data();
  missing_ = tables_.size();
}

bool FrameDecoder::fill_part() {
  const std::size_t size = std::min(missing_, end_ - begin_);
  if (size != 0) std::memcpy(destination_, scratch_.get() + begin_, size);
  begin_ += size;
  destination_ += size;
  missing_ -= size;
  return missing_ == 0;
}

bool FrameDecoder::next_part() {
  if (part_ == Part::tables) {
    read_tables();
    part_ = Part::body;
    frame_.body.resize(frame_.header.body_size);
    destination_ = frame_.body.data();
    missing_ = frame_.body.size();
    if (missing_ != 0) return false;
  }
  // One segment after the other, so that a peer must send what it announced before more is allocated.
  part_ = Part::segment;
  if (frame_.segments.size() == segment_sizes_.size()) return true;
  missing_ = segment_sizes_[frame_.segments.size()];
  std::shared_ptr<std::byte> memory = allocate_segment(missing_);
  destination_ = memory.get();
  frame_.segments.push_back({std::move(memory), destination_, missing_});
  return false;
}

void FrameDecoder::read_tables() {
  segment_sizes_.resize(frame_.header.segment_count);
  frame_.references.resize(frame_.header.reference_count);
  const std::size_t sizes_bytes = segment_sizes_.size() * sizeof(std::uint64_t);
  if (sizes_bytes != 0) std::memcpy(segment_sizes_.data(), tables_.data(), sizes_bytes);
  if (!frame_.references.empty())
    std::memcpy(frame_.references.data(), tables_.data() + sizes_bytes, tables_.size() - sizes_bytes);
  tables_ = Bytes();
  std::uint64_t segment_bytes = 0;
  for (std::uint64_t size : segment_sizes_) segment_bytes = add(segment_bytes, size);
  check_header(frame_.header, segment_bytes);
}

}  // namespace cohort
