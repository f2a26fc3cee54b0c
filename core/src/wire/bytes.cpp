#include <algorithm>
#include <new>

#include <cohort/bytes.hpp>
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

}  // namespace cohort
