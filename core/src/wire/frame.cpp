#include "wire/frame.hpp"

#include <algorithm>
#include <new>
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

ByteCount frame_size(const FrameHeader& header, ByteCount segment_bytes) {
  return ByteCount(sizeof(header)) + tables_size(header) + header.body_size + segment_bytes;
}

// Of the thread, for the next decoder that has something to read.
thread_local std::unique_ptr<std::byte[]> spare_scratch;

}  // namespace

void append_frame_head(Bytes& out, FrameHeader header, ByteCount body_size, std::span<const Segment> segments,
                       std::span<const ReferenceEntry> references, const FrameLimits& limits) {
  header.segment_count = ByteCount(segments.size()).as<std::uint16_t>("large arrays");
  header.reference_count = ByteCount(references.size()).as<std::uint16_t>("remote references");
  header.body_size = body_size.as<std::uint32_t>("bytes beside its large arrays");
  ByteCount segment_bytes;
  for (const Segment& segment : segments) segment_bytes += segment.size;
  const ByteCount size = frame_size(header, segment_bytes);
  if (size > limits.max_frame)
    throw Error("a message of " + std::to_string(size.value()) + " bytes is larger than the limit of " +
                std::to_string(limits.max_frame) + "; send it in parts");
  out.append(&header, sizeof(header));
  for (const Segment& segment : segments) {
    const std::uint64_t segment_size = segment.size;
    out.append(&segment_size, sizeof(segment_size));
  }
  out.append(references.data(), references.size_bytes());
}

std::span<std::byte> FrameDecoder::prepare() {
  in_place_ = missing_ >= in_place_from && part_ != Part::dropped;
  if (in_place_) return {destination_, missing_};
  if (!scratch_) scratch_ = std::exchange(spare_scratch, nullptr);
  if (!scratch_) scratch_ = std::make_unique_for_overwrite<std::byte[]>(scratch_size);
  if (begin_ != 0) {  // what is left is less than a header, unless a sink threw
    std::memmove(scratch_.get(), scratch_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return {scratch_.get() + end_, scratch_size - end_};
}

void FrameDecoder::trim() noexcept {
  if (!idle() || !scratch_) return;
  begin_ = end_ = 0;
  spare_scratch = std::move(scratch_);
}

void FrameDecoder::check_header(const FrameHeader& header, std::uint64_t segment_bytes) const {
  if (header.reserved != 0 || header.reserved2 != 0)
    throw BadMessage("a frame's reserved bytes are not zero: the peer does not speak this protocol");
  const ByteCount size = frame_size(header, segment_bytes);
  if (size > limits_.max_frame)
    throw BadMessage("the peer announced a frame of " + std::to_string(size.value()) + " bytes, the limit is " +
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
  if (size != 0 && part_ != Part::dropped) {
    std::memcpy(destination_, scratch_.get() + begin_, size);
    destination_ += size;
  }
  begin_ += size;
  missing_ -= size;
  return missing_ == 0;
}

bool FrameDecoder::next_part() {
  if (part_ == Part::tables) {
    read_tables();
    begin_body();
    if (missing_ != 0) return false;
  }
  if (to_drop_ != 0) {
    part_ = Part::dropped;
    missing_ = std::exchange(to_drop_, 0);
    return false;
  }
  if (part_ == Part::dropped) return true;
  part_ = Part::segment;
  return !begin_segment();
}

void FrameDecoder::begin_body() {
  part_ = Part::body;
  const std::size_t size = frame_.header.body_size;
  try {
    frame_.body.resize(size);
  } catch (const std::exception&) {  // no memory, or more than Bytes can hold, which no sender of this protocol sends
    frame_.body.resize(Bytes::inline_capacity);
    ByteCount rest = size - frame_.body.size();
    for (const std::uint64_t segment : segment_sizes_) rest += segment;
    frame_.without_room = size;
    to_drop_ = rest.value();
  }
  destination_ = frame_.body.data();
  missing_ = frame_.body.size();
}

// One segment after the other, so that a peer must send what it announced before more is allocated. @return whether
// there is one more, or something to drop.
bool FrameDecoder::begin_segment() {
  const std::size_t number = frame_.segments.size();
  if (number == segment_sizes_.size()) return false;
  missing_ = segment_sizes_[number];
  try {
    std::shared_ptr<std::byte> memory;
    if (memory_for_ && segment_sizes_.size() == 1) memory = memory_for_(frame_.header, missing_);
    if (memory == nullptr) memory = allocate_segment(missing_);
    destination_ = memory.get();
    frame_.segments.push_back({std::move(memory), destination_, missing_});
  } catch (const std::bad_alloc&) {
    frame_.without_room = missing_;
    frame_.segments.clear();
    part_ = Part::dropped;
    ByteCount rest;
    for (std::size_t i = number; i < segment_sizes_.size(); i++) rest += segment_sizes_[i];
    missing_ = rest.value();
  }
  return true;
}

void FrameDecoder::read_tables() {
  segment_sizes_.resize(frame_.header.segment_count);
  frame_.references.resize(frame_.header.reference_count);
  const std::size_t sizes_bytes = segment_sizes_.size() * sizeof(std::uint64_t);
  if (sizes_bytes != 0) std::memcpy(segment_sizes_.data(), tables_.data(), sizes_bytes);
  if (!frame_.references.empty())
    std::memcpy(frame_.references.data(), tables_.data() + sizes_bytes, tables_.size() - sizes_bytes);
  tables_ = Bytes();
  ByteCount segment_bytes;
  for (const std::uint64_t size : segment_sizes_) segment_bytes += size;
  check_header(frame_.header, segment_bytes.value());
}

}  // namespace cohort
