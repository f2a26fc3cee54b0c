#include <cohort/detail/payload.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <new>

#include <cohort/bytes.hpp>
#include <cohort/detail/std_types.hpp>
#include <cohort/error.hpp>

#include "wire/segment_pool.hpp"

namespace cohort {

void Bytes::grow(std::size_t more) {
  if (more > max_size - size_)
    throw Error("a message of 4 GiB or more cannot be sent; numbers in vectors and cohort::Array do not count");
  const std::size_t capacity = std::min(max_size, std::max(capacity_ * 2, size_ + more));
  const bool was_inline = data_ == inline_;
  auto* grown = static_cast<std::byte*>(std::realloc(was_inline ? nullptr : data_, capacity));
  if (grown == nullptr) throw std::bad_alloc();
  if (was_inline) std::memcpy(grown, inline_, size_);
  data_ = grown;
  capacity_ = capacity;
}

std::size_t Payload::byte_size() const noexcept {
  std::size_t size = body.size();
  for (const Segment& segment : segments) size += segment.size;
  return size;
}

bool Payload::has_borrowed() const noexcept {
  return std::any_of(segments.begin(), segments.end(), [](const Segment& segment) { return segment.owner == nullptr; });
}

void Payload::own() {
  for (Segment& segment : segments)
    if (segment.owner == nullptr) segment = copy_segment(segment.span());
}

namespace detail {

std::shared_ptr<std::byte> segment_memory(std::size_t size) { return allocate_segment(size); }

// A page fault for each 4 KiB takes longer than to copy them. Only a hint: kernels without huge pages work as well.
void will_fill(void* memory, std::size_t size) noexcept {
  constexpr std::size_t large = 4 << 20;
  if (size < large) return;
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(memory) + page - 1) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(memory) + size) / page * page;
  ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

void save_payload(OutArchive& archive, const Payload& payload) {
  archive.write_size(payload.body.size());
  archive.write(payload.body.data(), payload.body.size());
  archive.write_size(payload.segments.size());
  for (const auto& segment : payload.segments) {
    archive.write_size(segment.size);
    archive.add_segment(segment.data, segment.size, segment.owner);
  }
  archive.write_size(payload.references.size());
  for (const auto& reference : payload.references) archive(archive.add_reference(reference));
}

Payload load_payload(InArchive& archive) {
  Payload payload;
  payload.body.resize(archive.read_size(1));
  archive.read(payload.body.data(), payload.body.size());
  payload.segments.resize(archive.read_size(sizeof(std::uint64_t)));
  for (auto& segment : payload.segments) {
    std::uint64_t size = 0;
    archive(size);
    segment = archive.read_segment(size);
    if (segment.owner == nullptr) throw BadMessage("an encoded value with borrowed bytes");
  }
  payload.references.resize(archive.read_size(sizeof(std::uint32_t)));
  for (auto& reference : payload.references) reference = archive.take_reference();
  return payload;
}

}  // namespace detail
}  // namespace cohort
