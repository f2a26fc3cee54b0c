#pragma once

#include <cohort/detail/language.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string>

namespace COHORT_EXPORT cohort {

/// How many elements an array has in each dimension. The last index runs fastest (C order).
template <std::size_t N>
using Extents = std::array<std::size_t, N>;
/// The place of an element.
template <std::size_t N>
using Index = std::array<std::size_t, N>;

namespace detail {

/// @throws Error that names the extents: their product, or that in bytes, is no std::size_t.
[[noreturn]] void fail_too_many_elements(std::span<const std::size_t> extents, std::size_t element_size);
/// @throws Error that names the index and the extents.
[[noreturn]] void fail_outside(std::span<const std::size_t> index, std::span<const std::size_t> extents);
/// "3 x 4"; "1" without dimensions.
std::string extents_text(std::span<const std::size_t> extents);
/// "[0, 3) x [2, 4)"
std::string box_text(std::span<const std::size_t> begin, std::span<const std::size_t> end);

}  // namespace detail

/// The number of elements. @param element_size in bytes. @throws Error if the elements need more bytes than can be
/// addressed.
template <std::size_t N>
std::size_t element_count(const Extents<N>& extents, std::size_t element_size = 1) {
  std::size_t count = 1;
  bool fits = true;
  for (const std::size_t extent : extents) fits = !__builtin_mul_overflow(count, extent, &count) && fits;
  // An extent of 0 makes it empty, whatever the others are.
  for (const std::size_t extent : extents)
    if (extent == 0) return 0;
  std::size_t bytes;
  if (!fits || __builtin_mul_overflow(count, element_size, &bytes))
    detail::fail_too_many_elements(extents, element_size);
  return count;
}

/// By how much the place in memory grows with each index.
template <std::size_t N>
constexpr std::array<std::size_t, N> strides_of(const Extents<N>& extents) {
  std::array<std::size_t, N> strides{};
  std::size_t stride = 1;
  for (std::size_t i = N; i-- > 0;) {
    strides[i] = stride;
    stride *= extents[i];
  }
  return strides;
}

/// The place of an element in memory. The index is not checked.
template <std::size_t N>
constexpr std::size_t place_of(const Index<N>& index, const Extents<N>& extents) {
  std::size_t place = 0;
  for (std::size_t i = 0; i < N; i++) place = place * extents[i] + index[i];
  return place;
}

/// Consecutive indices, half-open: `for (std::size_t i : s.local_indices())`.
class IndexRange {
 public:
  class iterator {
   public:
    using value_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    iterator() = default;
    explicit iterator(std::size_t index) : index_(index) {}
    std::size_t operator*() const { return index_; }
    iterator& operator++() {
      index_++;
      return *this;
    }
    iterator operator++(int) { return iterator(index_++); }
    friend bool operator==(const iterator&, const iterator&) = default;

   private:
    std::size_t index_ = 0;
  };

  IndexRange(std::size_t first, std::size_t end) : first_(first), end_(end) {}
  iterator begin() const { return iterator(first_); }
  iterator end() const { return iterator(end_); }
  std::size_t size() const { return end_ - first_; }
  bool empty() const { return end_ == first_; }
  std::size_t front() const { return first_; }  ///< undefined if it is empty, as back()
  std::size_t back() const { return end_ - 1; }
  std::size_t operator[](std::size_t i) const { return first_ + i; }
  friend bool operator==(const IndexRange&, const IndexRange&) = default;

 private:
  std::size_t first_, end_;
};

/// A half-open range of indices in each dimension.
template <std::size_t N>
struct Box {
  Index<N> begin{};
  Index<N> end{};

  /// All of an array.
  static constexpr Box all(const Extents<N>& extents) { return {{}, extents}; }

  constexpr Extents<N> extents() const {
    Extents<N> result{};
    for (std::size_t i = 0; i < N; i++) result[i] = end[i] > begin[i] ? end[i] - begin[i] : 0;
    return result;
  }
  constexpr std::size_t size() const {
    std::size_t count = 1;
    for (const std::size_t extent : extents()) count *= extent;
    return count;
  }
  constexpr bool empty() const { return size() == 0; }
  constexpr bool contains(const Index<N>& index) const {
    for (std::size_t i = 0; i < N; i++)
      if (index[i] < begin[i] || index[i] >= end[i]) return false;
    return true;
  }
  /// An empty box is in every one.
  constexpr bool contains(const Box& other) const { return other.empty() || intersection(*this, other) == other; }

  friend constexpr bool operator==(const Box&, const Box&) = default;
  /// What is in both; an empty box if there is nothing.
  friend constexpr Box intersection(const Box& a, const Box& b) {
    Box both;
    for (std::size_t i = 0; i < N; i++) {
      both.begin[i] = a.begin[i] > b.begin[i] ? a.begin[i] : b.begin[i];
      both.end[i] = a.end[i] < b.end[i] ? a.end[i] : b.end[i];
      if (both.end[i] < both.begin[i]) both.end[i] = both.begin[i];
    }
    return both;
  }
  friend std::string to_string(const Box& box) { return detail::box_text(box.begin, box.end); }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(begin, end);
  }
};

}  // namespace cohort
