#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include <cohort/archive.hpp>
#include <cohort/box.hpp>
#include <cohort/detail/host_kind.hpp>
#include <cohort/expression.hpp>

namespace COHORT_EXPORT cohort {

namespace detail {

/// Frees elements that were made by `new`, or lets go of memory that was taken over.
template <class T>
struct ElementsDeleter {
  std::shared_ptr<const void> owner;  // null: made by `new`
  void operator()(T* elements) const {
    if (owner == nullptr) delete[] elements;
  }
};

struct ArrayMemory;

}  // namespace detail

/// A dense array in the memory of one process, in C order. A copy has elements of its own. Arguments and results of
/// remote calls travel without a copy at the sender if T is plain data.
template <class T, std::size_t N>
class NdArray {
 public:
  using value_type = T;
  static constexpr std::size_t rank = N;

  NdArray() : extents_{} {}
  /// Elements of value T{}. @throws Error for extents that are too large, std::bad_alloc.
  explicit NdArray(const Extents<N>& extents)
      : extents_(extents), size_(element_count(extents, sizeof(T))), elements_(new T[size_]()) {}
  NdArray(const Extents<N>& extents, const T& value) : NdArray(detail::Uninitialized(), extents) {
    std::fill(begin(), end(), value);
  }
  /// A vector. @throws std::bad_alloc.
  NdArray(std::initializer_list<T> elements) requires(N == 1) : NdArray(Extents<1>{elements.size()}) {
    std::copy(elements.begin(), elements.end(), begin());
  }
  /// Its rows. @throws Error if they have different lengths.
  NdArray(std::initializer_list<std::initializer_list<T>> rows) requires(N == 2)
      : NdArray(Extents<2>{rows.size(), rows.size() == 0 ? 0 : rows.begin()->size()}) {
    T* to = data();
    for (const auto& row : rows) {
      if (row.size() != extents_[1]) detail::fail_outside(Index<2>{0, row.size()}, extents_);
      to = std::copy(row.begin(), row.end(), to);
    }
  }
  /// The elements of an expression, `NdArray<double, 1> c = 2.0 * a / b`. @throws Error if its arrays do not fit each
  /// other.
  template <detail::HostExpression<N> E>
  NdArray(const E& expression) : NdArray(detail::Uninitialized(), expression.extents()) {
    detail::evaluate(expression, data(), extents_);
  }
  NdArray(const NdArray& other) : NdArray(detail::Uninitialized(), other.extents_) {
    std::copy(other.begin(), other.end(), begin());
  }
  NdArray(NdArray&& other) noexcept
      : extents_(std::exchange(other.extents_, {})),
        size_(std::exchange(other.size_, 0)),
        elements_(std::move(other.elements_)) {}
  NdArray& operator=(NdArray other) noexcept {
    std::swap(extents_, other.extents_);
    std::swap(size_, other.size_);
    std::swap(elements_, other.elements_);
    return *this;
  }
  /// Uses the memory that is there if the extents are equal.
  template <detail::HostExpression<N> E>
  NdArray& operator=(const E& expression) {
    if (expression.extents() != extents_) return *this = NdArray(expression);
    detail::evaluate(expression, data(), extents_);
    return *this;
  }
  /// For elements that are all written afterwards: numbers are not set to zero.
  NdArray(detail::Uninitialized, const Extents<N>& extents)
      : extents_(extents), size_(element_count(extents, sizeof(T))), elements_(new T[size_]) {
    detail::prefer_huge_pages(elements_.get(), size_ * sizeof(T));
  }
  /// Takes over the elements at `elements`, which `owner` keeps and nobody else uses from now on.
  NdArray(std::shared_ptr<const void> owner, T* elements, const Extents<N>& extents)
      : extents_(extents), size_(element_count(extents, sizeof(T))), elements_(elements, {std::move(owner)}) {}

  const Extents<N>& extents() const { return extents_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return elements_.get(); }
  const T* data() const { return elements_.get(); }
  std::span<T> span() { return {data(), size_}; }
  std::span<const T> span() const { return {data(), size_}; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }

  /// The element in memory at that place; not checked.
  T& operator[](std::size_t place) { return elements_[place]; }
  const T& operator[](std::size_t place) const { return elements_[place]; }
  /// Not checked.
  template <std::convertible_to<std::size_t>... I>
  requires(sizeof...(I) == N) T& operator()(I... index) {
    return elements_[place_of<N>({static_cast<std::size_t>(index)...}, extents_)];
  }
  template <std::convertible_to<std::size_t>... I>
  requires(sizeof...(I) == N) const T& operator()(I... index) const {
    return elements_[place_of<N>({static_cast<std::size_t>(index)...}, extents_)];
  }
  /// @throws Error for an index that is outside.
  T& at(const Index<N>& index) {
    if (!Box<N>::all(extents_).contains(index)) detail::fail_outside(index, extents_);
    return elements_[place_of(index, extents_)];
  }
  const T& at(const Index<N>& index) const { return const_cast<NdArray&>(*this).at(index); }

  /// The same elements with other extents. @throws Error if it has another number of them.
  template <std::size_t M>
  NdArray<T, M> reshape(const std::size_t (&extents)[M]) const& {
    return reshape(std::to_array(extents));
  }
  template <std::size_t M>
  NdArray<T, M> reshape(const std::size_t (&extents)[M]) && {
    return std::move(*this).reshape(std::to_array(extents));
  }
  template <std::size_t M>
  NdArray<T, M> reshape(const Extents<M>& extents) const& {
    return NdArray(*this).reshape(extents);
  }
  template <std::size_t M>
  NdArray<T, M> reshape(const Extents<M>& extents) && {
    detail::check_reshape(extents_, extents);
    extents_ = {};
    return NdArray<T, M>(extents, std::exchange(size_, 0), std::move(elements_));
  }

  friend bool operator==(const NdArray& a, const NdArray& b) {
    return a.extents_ == b.extents_ && std::equal(a.begin(), a.end(), b.begin());
  }

  template <class Archive>
  void save(Archive& archive) const {
    archive(extents_);
    if constexpr (detail::bitwise<T>()) {
      archive.write_block(data(), size_, sizeof(T));
    } else {
      archive.write_size(size_);
      for (const T& element : *this) archive(element);
    }
  }
  template <class Archive>
  void load(Archive& archive) {
    Extents<N> extents;
    archive(extents);
    if constexpr (detail::bitwise<T>()) {
      const InArchive::Block block = archive.read_block(sizeof(T));
      if (block.count != element_count(extents, sizeof(T)))
        throw BadMessage("an NdArray with other extents than elements");
      NdArray array(detail::Uninitialized(), extents);
      if (block.count != 0)
        std::copy_n(block.data, block.count * sizeof(T), reinterpret_cast<std::byte*>(array.data()));
      *this = std::move(array);
    } else {
      const std::size_t count = archive.read_size(1);
      if (count != element_count(extents, sizeof(T))) throw BadMessage("an NdArray with other extents than elements");
      NdArray array(extents);
      for (T& element : array) archive(element);
      *this = std::move(array);
    }
  }

 private:
  template <class, std::size_t>
  friend class NdArray;
  friend struct detail::ArrayMemory;
  using Elements = std::unique_ptr<T[], detail::ElementsDeleter<T>>;
  NdArray(const Extents<N>& extents, std::size_t size, Elements elements)
      : extents_(extents), size_(size), elements_(std::move(elements)) {}

  Extents<N> extents_;
  std::size_t size_ = 0;
  Elements elements_;
};

namespace detail {

/// Who keeps the elements of an array; others can keep them too, for what still reads them.
struct ArrayMemory {
  /// Null if it is only the array.
  template <class T, std::size_t N>
  static const std::shared_ptr<const void>& owner(const NdArray<T, N>& array) {
    return array.elements_.get_deleter().owner;
  }
  template <class T, std::size_t N>
  static void make_owner(NdArray<T, N>& array) {
    if (owner(array) != nullptr) return;
    auto kept = std::make_shared<std::unique_ptr<T[]>>();
    kept->reset(array.data());
    array.elements_.get_deleter().owner = std::move(kept);
  }
};

template <class T, std::size_t N>
struct ArrayTraits<NdArray<T, N>> {
  using Kind = HostKind;
  using value_type = T;
  static constexpr std::size_t rank = N;
  using OperandType = HostOperand<T, N>;
};

}  // namespace detail
}  // namespace cohort
