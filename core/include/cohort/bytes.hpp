#pragma once

#include <cohort/detail/language.hpp>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace cohort {

namespace detail {
struct Reference;  // a counted handle on a value that another process owns; defined by the remote calls
}

/// A growable buffer of bytes: the body of a message. Up to 104 bytes live inside the object, without allocation.
/// At most max_size bytes: a little less than the 4 GiB that a frame can say, so that there is room for what names the
/// function or the remote value before it. Not thread-safe.
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

  /// Copies `size` bytes to the end. `data` may be null when size is 0, and must not point into this buffer.
  void append(const void* data, std::size_t size) {
    if (size > capacity_ - size_) grow(size);
    if (size != 0) std::memcpy(data_ + size_, data, size);
    size_ += size;
  }
  /// New bytes are left uninitialised.
  void resize(std::size_t size) {
    if (size > capacity_) grow(size - size_);
    size_ = size;
  }
  void reserve(std::size_t capacity) {
    if (capacity > capacity_) grow(capacity - size_);
  }
  /// Keeps the allocation.
  void clear() noexcept { size_ = 0; }

  friend bool operator==(const Bytes& a, const Bytes& b) noexcept {
    return a.size_ == b.size_ && std::memcmp(a.data_, b.data_, a.size_) == 0;
  }

 private:
  /// Makes room for `more` bytes after size_. @throws Error beyond max_size.
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

/// Bytes of a message that are not in its body: a large array, written from where it lies and received in place.
/// Immutable from the moment it is made.
struct Segment {
  std::shared_ptr<const void> owner;  ///< keeps `data` alive; null: borrowed from the caller
  const std::byte* data = nullptr;
  std::size_t size = 0;

  std::span<const std::byte> span() const noexcept { return {data, size}; }
};

/// An encoded value, or list of arguments.
struct Payload {
  Bytes body;
  std::vector<Segment> segments;
  std::vector<std::shared_ptr<detail::Reference>> references;

  /// Bytes of the body and of all segments.
  std::size_t byte_size() const noexcept;
  bool has_borrowed() const noexcept;
  /// Copies every borrowed segment, so that the payload can outlive the caller's data.
  void own();
};

}  // namespace cohort
