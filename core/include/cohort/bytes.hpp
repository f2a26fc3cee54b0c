#pragma once

#include <cohort/detail/language.hpp>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace cohort::detail {
struct Reference;  // a counted handle on a value that another process owns; defined in core/src/remote
}

namespace COHORT_EXPORT cohort {

/// A growable buffer of bytes: the body of a message. Up to 104 bytes are stored inside the object, without allocation.
/// It holds at most max_size bytes, a little less than the 4 GiB of a frame, because the name of the function or of the
/// remote value precedes it. Not thread-safe.
class Bytes {
 public:
  static constexpr std::size_t inline_capacity = 104;
  static constexpr std::size_t max_size = 0xffff'ffff - 4095;

  Bytes() noexcept : data_(inline_) {}
  explicit Bytes(std::span<const std::byte> bytes) : Bytes() { append(bytes.data(), bytes.size()); }
  Bytes(const Bytes& other) : Bytes(other.span()) {}
  Bytes(Bytes&& other) noexcept : Bytes() { take(other); }
  Bytes& operator=(const Bytes& other) {
    if (this != &other) {
      clear();
      append(other.data_, other.size_);
    }
    return *this;
  }
  Bytes& operator=(Bytes&& other) noexcept {
    if (this != &other) {
      release();
      take(other);
    }
    return *this;
  }
  ~Bytes() { release(); }

  std::byte* data() noexcept { return data_; }
  const std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  bool empty() const noexcept { return size_ == 0; }
  std::byte* begin() noexcept { return data_; }
  std::byte* end() noexcept { return data_ + size_; }
  const std::byte* begin() const noexcept { return data_; }
  const std::byte* end() const noexcept { return data_ + size_; }
  std::byte& operator[](std::size_t i) noexcept { return data_[i]; }
  const std::byte& operator[](std::size_t i) const noexcept { return data_[i]; }
  std::span<std::byte> span() noexcept { return {data_, size_}; }
  std::span<const std::byte> span() const noexcept { return {data_, size_}; }

  /// Appends a copy of `size` bytes. `data` may be null if size is 0, and must not point into this buffer.
  void append(const void* data, std::size_t size) {
    if (size > capacity_ - size_) grow(size);
    if (size != 0) std::memcpy(data_ + size_, data, size);
    size_ += size;
  }
  /// Changes the size. New bytes are uninitialised.
  void resize(std::size_t size) {
    if (size > capacity_) grow(size - size_);
    size_ = size;
  }
  void reserve(std::size_t capacity) {
    if (capacity > capacity_) grow(capacity - size_);
  }
  /// Sets the size to 0, and keeps the allocated memory.
  void clear() noexcept { size_ = 0; }

  friend bool operator==(const Bytes& a, const Bytes& b) noexcept {
    return a.size_ == b.size_ && std::memcmp(a.data_, b.data_, a.size_) == 0;
  }

 private:
  /// Allocates memory for `more` bytes after size_. @throws Error beyond max_size.
  void grow(std::size_t more);
  void release() noexcept {
    if (data_ != inline_) std::free(data_);
  }
  void take(Bytes& other) noexcept {
    size_ = std::exchange(other.size_, 0);
    if (other.data_ == other.inline_) {
      data_ = inline_;
      capacity_ = inline_capacity;
      std::memcpy(inline_, other.inline_, size_);
    } else {
      data_ = std::exchange(other.data_, other.inline_);
      capacity_ = std::exchange(other.capacity_, inline_capacity);
    }
  }

  std::byte* data_;  // inline_, or owned memory of std::malloc
  std::size_t size_ = 0;
  std::size_t capacity_ = inline_capacity;
  std::byte inline_[inline_capacity];
};

/// Bytes of a message that are not in its body: a large array, sent from its own memory and received in place.
/// Never changes after it was made.
struct Segment {
  std::shared_ptr<const void> owner;  ///< keeps `data` alive; null: the memory is borrowed from the caller
  const std::byte* data = nullptr;
  std::size_t size = 0;

  std::span<const std::byte> span() const noexcept { return {data, size}; }
};

/// An encoded value, or an encoded list of arguments.
struct Payload {
  Bytes body;
  std::vector<Segment> segments;
  std::vector<std::shared_ptr<detail::Reference>> references;

  /// Number of bytes of the body and all segments.
  std::size_t byte_size() const noexcept;
  bool has_borrowed() const noexcept;
  /// Copies every borrowed segment, so that the payload can outlive the caller's data.
  void own();
};

}  // namespace cohort
