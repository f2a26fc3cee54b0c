#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <cohort/archive.hpp>

namespace COHORT_EXPORT cohort {

/// An immutable contiguous array for bulk data. A large one is sent and received without a copy on either side. Copies
/// of the object share the elements; any number of threads may read them.
template <class T>
class Array {
 public:
  static_assert(detail::bitwise<T>(), "cohort: an Array holds numbers, or classes for which is_bitwise is true");
  using value_type = T;
  using const_iterator = const T*;

  Array() = default;
  Array(const Array&) = default;
  Array(Array&& other) noexcept
      : owner_(std::move(other.owner_)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  Array& operator=(Array other) noexcept {
    std::swap(owner_, other.owner_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  /// Moves the elements out of the vector, without a copy.
  explicit Array(std::vector<T>&& elements) {
    auto owner = std::make_shared<const std::vector<T>>(std::move(elements));
    data_ = owner->data();
    size_ = owner->size();
    owner_ = std::move(owner);
  }
  Array(std::initializer_list<T> elements) : Array(std::vector<T>(elements)) {}
  /// Copies the elements.
  template <std::ranges::input_range Range>
  requires(std::convertible_to<std::ranges::range_reference_t<Range>, T> &&
           !std::same_as<std::remove_cvref_t<Range>, Array>) explicit Array(const Range& elements)
      : Array(std::vector<T>(std::ranges::begin(elements), std::ranges::end(elements))) {}
  /// Shares the memory at `data`, which `owner` keeps alive and nobody may change.
  Array(std::shared_ptr<const void> owner, const T* data, std::size_t size)
      : owner_(std::move(owner)), data_(data), size_(size) {}
  /// Shares the segment's memory; copies it if it is borrowed or not aligned for T.
  /// The size of the segment must be a multiple of sizeof(T); a remainder is ignored.
  explicit Array(const Segment& segment) { take(segment, segment.size / sizeof(T)); }

  const T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  const T* begin() const noexcept { return data_; }
  const T* end() const noexcept { return data_ + size_; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }
  std::span<const T> span() const noexcept { return {data_, size_}; }

  friend bool operator==(const Array& a, const Array& b) { return std::ranges::equal(a, b); }

  template <class Archive>
  void save(Archive& ar) const {
    ar.write_block(data_, size_, sizeof(T), owner_);
  }
  template <class Archive>
  void load(Archive& ar) {
    const InArchive::Block block = ar.read_block(sizeof(T));
    if (block.segment != nullptr)
      take(*block.segment, block.count);
    else
      copy(block.data, block.count);
  }

 private:
  void take(const Segment& segment, std::size_t count) {
    if (segment.owner == nullptr || reinterpret_cast<std::uintptr_t>(segment.data) % alignof(T) != 0)
      return copy(segment.data, count);
    owner_ = segment.owner;
    data_ = reinterpret_cast<const T*>(segment.data);
    size_ = count;
  }
  void copy(const std::byte* data, std::size_t count) {
    std::vector<T> elements(count);
    if (count != 0) std::memcpy(static_cast<void*>(elements.data()), data, count * sizeof(T));
    *this = Array(std::move(elements));
  }

  std::shared_ptr<const void> owner_;
  const T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace cohort
