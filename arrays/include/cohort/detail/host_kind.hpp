#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include <cohort/detail/reduction_tree.hpp>
#include <cohort/expression.hpp>

// Expressions and algorithms over arrays in the memory of this process.

namespace COHORT_EXPORT cohort {

template <class T, std::size_t N>
class NdArray;

namespace detail {

struct Uninitialized {};
struct HostKind;

/// Lets the system use huge pages for memory that is large, which are faster to get and to find. Only a hint.
void prefer_huge_pages(void* memory, std::size_t bytes) noexcept;
/// @throws Error that names both extents if they have different numbers of elements.
void check_reshape(std::span<const std::size_t> from, std::span<const std::size_t> to);
/// @throws Error that names both extents if they differ. @param what the operation
void check_same_extents(const char* what, std::span<const std::size_t> a, std::span<const std::size_t> b);
/// @throws Error "<what>: the array is empty"
[[noreturn]] void fail_empty(const char* what);

template <class T, class... U>
inline constexpr bool is_one_of = (std::is_same_v<T, U> || ...);

/// An array in an expression. It refers to the elements of the array; those of a temporary it keeps.
template <class T, std::size_t N>
class HostOperand {
 public:
  using value_type = T;
  HostOperand() = default;
  template <class A>
  requires std::is_same_v<kind_of<A>, HostKind> HostOperand(A&& array) {
    if constexpr (std::is_lvalue_reference_v<A>) {
      data_ = array.data();
      extents_ = array.extents();
    } else {
      auto kept = std::make_shared<A>(std::move(array));
      data_ = kept->data();
      extents_ = kept->extents();
      owner_ = std::move(kept);
    }
  }
  /// @param owner keeps the array
  HostOperand(const NdArray<T, N>& array, std::shared_ptr<const void> owner)
      : data_(array.data()), extents_(array.extents()), owner_(std::move(owner)) {}
  const T* data() const { return data_; }
  const Extents<N>& extents() const { return extents_; }
  /// Where an element is, of those that are repeated to fit.
  std::size_t place(const Index<N>& index) const {
    std::size_t place = 0;
    for (std::size_t i = 0; i < N; i++) place = place * extents_[i] + (extents_[i] == 1 ? 0 : index[i]);
    return place;
  }

 private:
  const T* data_ = nullptr;
  Extents<N> extents_{};
  std::shared_ptr<const void> owner_;
};

template <class T, std::size_t N>
struct ArrayTraits<HostOperand<T, N>> {
  using Kind = HostKind;
  using value_type = T;
  static constexpr std::size_t rank = N;
  using OperandType = HostOperand<T, N>;
};

template <class E, std::size_t N>
concept HostExpression = is_expression<E> && std::is_same_v<kind_of<E>, HostKind> && rank_of<E>
== N;

template <class T, std::size_t N>
const T& value_at(const HostOperand<T, N>& array, std::size_t place) {
  return array.data()[place];
}
template <class T, std::size_t N>
const T& value_at(const HostOperand<T, N>& array, const Index<N>& index) {
  return array.data()[array.place(index)];
}
template <class T, class Place>
const T& value_at(const Scalar<T>& scalar, const Place&) {
  return scalar.value;
}
template <class Op, class... Operand, class Place>
auto value_at(Expression<Op, Operand...>& expression, const Place& place) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return expression.op()(value_at(std::get<I>(expression.operands()), place)...);
  }
  (std::index_sequence_for<Operand...>());
}

/// Whether no dimension is repeated: then the places in memory are the same in all arrays.
template <class E, std::size_t N>
bool has_extents(const E& expression, const Extents<N>& extents) {
  bool all = true;
  expression.for_each_array([&](const auto& array) { all = all && array.extents() == extents; });
  return all;
}

/// Writes the elements to `to`, which may be the memory of one of its arrays if these extents are its own.
template <class E, class T, std::size_t N>
void evaluate(E expression, T* to, const Extents<N>& extents) {
  if (has_extents(expression, extents)) {
    const std::size_t count = element_count(extents);
#if defined(__clang__)
#pragma clang loop vectorize(enable)
#else
#pragma GCC ivdep
#endif
    for (std::size_t i = 0; i < count; i++) to[i] = static_cast<T>(value_at(expression, i));
  } else {
    Index<N> index{};
    for (const std::size_t count = element_count(extents); index[0] < extents[0] && count != 0;) {
      *to++ = static_cast<T>(value_at(expression, index));
      std::size_t i = N - 1;
      while (++index[i] == extents[i] && i > 0) index[i--] = 0;
    }
  }
}

/// Whether the elements are computed from numbers by operations of this library alone: no function of the program is
/// called, and nothing is thrown.
template <class E>
inline constexpr bool is_plain_arithmetic = std::is_arithmetic_v<typename ElementOf<E>::Type>;
template <class Op, class... Operand>
inline constexpr bool is_plain_arithmetic<Expression<Op, Operand...>> =
    is_one_of<Op, std::negate<>, std::plus<>, std::minus<>, std::multiplies<>, std::divides<>, Sin, Cos, Tan, Exp, Log,
              Sqrt, Abs, Pow> &&
    (is_plain_arithmetic<Operand> && ...);

/// What the algorithms do with arrays of this kind, on the calling thread.
struct HostKind {
  template <class T, std::size_t N>
  using Array = NdArray<T, N>;

  /// `op` of all elements, see reduction_tree.hpp; nothing if there are none.
  template <class R, class Op, AnyArray A>
  static std::optional<R> reduce(Op op, const A& array) {
    const auto extents = array.extents();
    if constexpr (!is_expression<A>) {
      return reduce_places<R>(std::move(op), extents,
                              [data = array.data()](std::size_t place) -> decltype(auto) { return data[place]; });
    } else {
      if (!has_extents(array, extents)) return reduce<R>(std::move(op), Array<element_of<A>, rank_of<A>>(array));
      auto expression = array;
      return reduce_places<R>(std::move(op), extents, [&](std::size_t place) { return value_at(expression, place); });
    }
  }
  template <class R, class Op, std::size_t N, class Value>
  static std::optional<R> reduce_places(Op op, const Extents<N>& extents, Value value) {
    auto leaf = [&](const Box<N>& box) { return reduce_leaf<R>(box, extents, value, op); };
    return reduce_tree<R>(Box<N>::all(extents), leaf, op);
  }

  template <class F, AnyArray A>
  static void for_each(F f, A& array) {
    for (auto& element : array.span()) f(element);
  }

  /// Along one dimension, whose extent becomes 1. @throws Error if it is 0.
  template <class R, class Op, AnyArray A>
  static auto reduce_dim(Op op, const A& array, std::size_t dimension) {
    if constexpr (is_expression<A>) {
      return reduce_dim<R>(std::move(op), Array<element_of<A>, rank_of<A>>(array), dimension);
    } else {
      constexpr std::size_t N = rank_of<A>;
      Extents<N> extents = array.extents();
      const std::size_t length = std::exchange(extents[dimension], 1);
      Array<R, N> result(extents);
      if (result.empty()) return result;
      if (length == 0) fail_empty("a reduction along a dimension");
      std::size_t inner = 1;
      for (std::size_t i = dimension + 1; i < N; i++) inner *= extents[i];
      const auto* data = array.data();
      for (std::size_t outer = 0; outer < result.size() / inner; outer++)
        reduce_slabs<R>(op, data + outer * length * inner, length, inner, result.data() + outer * inner);
      return result;
    }
  }
  /// Reduces `length` slabs of `inner` elements to one, in the order of the tree of one dimension whose elements they
  /// are.
  template <class R, class T, class Op>
  static void reduce_slabs(Op& op, const T* slabs, std::size_t length, std::size_t inner, R* to) {
    if (length <= slabs_of_leaf) {
      for (std::size_t i = 0; i < inner; i++) to[i] = static_cast<R>(slabs[i]);
      for (std::size_t k = 1; k < length; k++)
        for (std::size_t i = 0; i < inner; i++)
          to[i] = static_cast<R>(op(std::move(to[i]), static_cast<R>(slabs[k * inner + i])));
      return;
    }
    const std::size_t first = (length + 1) / 2;
    const auto second = std::make_unique<R[]>(inner);
    reduce_slabs<R>(op, slabs, first, inner, to);
    reduce_slabs<R>(op, slabs + first * inner, length - first, inner, second.get());
    for (std::size_t i = 0; i < inner; i++) to[i] = static_cast<R>(op(std::move(to[i]), std::move(second[i])));
  }
  static constexpr std::size_t slabs_of_leaf = 64;

  /// The product of matrices, or of a matrix and a vector.
  template <class A, class B>
  static auto product(const A& a, const B& b);
  template <class A>
  static auto transpose(const A& a);
};

}  // namespace detail
}  // namespace cohort
