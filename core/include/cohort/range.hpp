#pragma once

#include <cohort/detail/language.hpp>

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <type_traits>
#include <vector>

namespace COHORT_EXPORT cohort {

namespace detail {
/// Returns the sizes of `parts` nearly equal parts of `count` things. @throws Error if parts < 1.
std::vector<std::size_t> split_evenly(std::size_t count, std::size_t parts);
[[noreturn]] void fail_step_of_zero();
[[noreturn]] void fail_long_range(std::size_t most);
[[noreturn]] void fail_end_of_range();

/// Converts the end of a range to its type. @throws Error if that type has no such number: range(-1, 5u).
template <std::integral T, std::integral A>
T end_of_range(A end) {
  const T value = static_cast<T>(end);
  if (static_cast<A>(value) != end) fail_end_of_range();
  if constexpr (std::is_signed_v<A> && std::is_unsigned_v<T>) {
    if (end < 0) fail_end_of_range();
  }
  return value;
}
}  // namespace detail

/// The integers first, first + step, ... up to and including last. It is a random access range, and can be sent to
/// other processes. size() throws Error if there are 2^64 elements; end() throws Error if there are more than
/// PTRDIFF_MAX.
template <std::integral T>
struct Range {
  T first = 1;
  T last = 0;
  std::int64_t step = 1;

  class Iterator;
  std::size_t size() const {
    if (empty()) return 0;
    // Unsigned because the distance between two int64 may need all 64 bits.
    const auto from = static_cast<std::uint64_t>(first), to = static_cast<std::uint64_t>(last);
    const std::uint64_t distance = step > 0 ? to - from : from - to;
    const std::uint64_t stride = step > 0 ? static_cast<std::uint64_t>(step) : -static_cast<std::uint64_t>(step);
    if (distance / stride == SIZE_MAX) detail::fail_long_range(SIZE_MAX);
    return static_cast<std::size_t>(distance / stride + 1);
  }
  bool empty() const { return step > 0 ? last < first : first < last; }
  T operator[](std::size_t i) const {
    return static_cast<T>(static_cast<std::uint64_t>(first) + i * static_cast<std::uint64_t>(step));
  }
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const {
    if (size() > PTRDIFF_MAX) detail::fail_long_range(PTRDIFF_MAX);
    return {*this, static_cast<std::ptrdiff_t>(size())};
  }
  bool operator==(const Range&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(first, last, step);
  }
};

template <std::integral T>
class Range<T>::Iterator {
 public:
  using value_type = T;
  using difference_type = std::ptrdiff_t;
  using reference = T;
  using pointer = void;
  using iterator_category = std::input_iterator_tag;  // `reference` is a value, as of std::views::iota
  using iterator_concept = std::random_access_iterator_tag;

  Iterator() = default;
  Iterator(const Range& range, std::ptrdiff_t at) : range_(range), at_(at) {}

  T operator*() const { return range_[static_cast<std::size_t>(at_)]; }
  T operator[](std::ptrdiff_t n) const { return *(*this + n); }
  Iterator& operator+=(std::ptrdiff_t n) {
    at_ += n;
    return *this;
  }
  Iterator& operator-=(std::ptrdiff_t n) { return *this += -n; }
  Iterator& operator++() { return *this += 1; }
  Iterator& operator--() { return *this -= 1; }
  Iterator operator++(int) {
    auto before = *this;
    ++at_;
    return before;
  }
  Iterator operator--(int) {
    auto before = *this;
    --at_;
    return before;
  }
  friend Iterator operator+(Iterator i, std::ptrdiff_t n) { return i += n; }
  friend Iterator operator+(std::ptrdiff_t n, Iterator i) { return i += n; }
  friend Iterator operator-(Iterator i, std::ptrdiff_t n) { return i -= n; }
  friend std::ptrdiff_t operator-(const Iterator& a, const Iterator& b) { return a.at_ - b.at_; }
  bool operator==(const Iterator& other) const { return at_ == other.at_; }
  auto operator<=>(const Iterator& other) const { return at_ <=> other.at_; }

 private:
  Range range_{};
  std::ptrdiff_t at_ = 0;
};

/// `range(1, 10)` is 1 to 10; both ends are included, as everywhere in this library.
/// @throws Error for a step of 0, for 2^64 elements, or for a negative end if T is unsigned: range(-1, 5u).
template <std::integral A, std::integral B, std::integral T = std::common_type_t<A, B>>
Range<T> range(A first, B last, std::int64_t step = 1);

/// Divides first..last into `np` parts whose sizes differ by at most one, the longer ones first; into fewer parts if
/// there are fewer numbers. @throws Error if np < 1, and as range().
template <std::integral A, std::integral B, std::integral T = std::common_type_t<A, B>>
std::vector<Range<T>> splitrange(A first, B last, std::size_t np);

template <std::integral A, std::integral B, std::integral T>
Range<T> range(A first, B last, std::int64_t step) {
  if (step == 0) detail::fail_step_of_zero();
  const Range<T> whole{detail::end_of_range<T>(first), detail::end_of_range<T>(last), step};
  static_cast<void>(whole.size());  // throws if it is too long
  return whole;
}

template <std::integral A, std::integral B, std::integral T>
std::vector<Range<T>> splitrange(A first, B last, std::size_t np) {
  const Range<T> whole = range(first, last);
  std::vector<Range<T>> parts;
  std::size_t begin = 0;
  for (const std::size_t size : detail::split_evenly(whole.size(), np)) {
    parts.push_back({whole[begin], whole[begin + size - 1]});
    begin += size;
  }
  return parts;
}

}  // namespace cohort
