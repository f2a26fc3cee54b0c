#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include <cohort/expression.hpp>
#include <cohort/nd_array.hpp>

// Algorithms over whole arrays, of each kind, and over expressions of them. They run where the elements are. Functions
// must be such as can be called remotely (see remotecall.hpp) if the array is distributed, and are called from several
// processes, in any order. The order in which reductions combine the elements depends on the extents alone, so that the
// result of floating point sums is the same for an NdArray and for a DArray with any number of workers.

namespace COHORT_EXPORT cohort {

/// Names a dimension: `sum(a, dim<0>)`.
template <std::size_t I>
using Dimension = std::integral_constant<std::size_t, I>;
template <std::size_t I>
inline constexpr Dimension<I> dim{};

namespace detail {

/// In which sums are added up: int64 for integers.
template <class T>
using sum_t = std::conditional_t<
    std::is_integral_v<T>,
    std::conditional_t<std::is_unsigned_v<T> && !std::is_same_v<T, bool>, std::uint64_t, std::int64_t>, T>;

struct Minimum {
  template <class T>
  T operator()(const T& a, const T& b) const {
    return b < a || b != b ? b : a;
  }
};
struct Maximum {
  template <class T>
  T operator()(const T& a, const T& b) const {
    return a < b || b != b ? b : a;
  }
};
struct Extrema {
  template <class T>
  std::pair<T, T> operator()(const std::pair<T, T>& a, const std::pair<T, T>& b) const {
    return {Minimum()(a.first, b.first), Maximum()(a.second, b.second)};
  }
};
struct Twice {
  template <class T>
  std::pair<T, T> operator()(const T& x) const {
    return {x, x};
  }
};
struct SquareOfMagnitude {
  template <class T>
  auto operator()(const T& x) const {
    if constexpr (std::is_arithmetic_v<T>)
      return x * x;
    else
      return norm(x);  // std::complex
  }
};
template <class F>
struct CountIf {
  [[no_unique_address]] Portable<F> f;
  template <class T>
  std::int64_t operator()(const T& x) const {
    return f.function(x) ? 1 : 0;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(f);
  }
};

/// Reports a function that cannot travel to where the elements are, in one sentence.
template <class A, class F>
constexpr void check_function_of() {
  if constexpr (!std::is_same_v<kind_of<A>, HostKind>) check_function<std::decay_t<F>>();
}

template <class R>
R reduced(const char* what, std::optional<R> result) {
  if (!result) fail_empty(what);
  return std::move(*result);
}

}  // namespace detail

/// An array of `f(x, y, ...)` for the elements x of `a`, y of `more` and so on.
template <class F, detail::AnyArray A, detail::AnyArray... More>
auto map(F f, A&& a, More&&... more) {
  detail::check_function_of<A, F>();
  auto expression = detail::make_expression(std::move(f), std::forward<A>(a), std::forward<More>(more)...);
  return detail::result_of<decltype(expression)>(expression);
}
/// Calls `f(x)` for each element x, which it can change.
template <class F, detail::AnyArray A>
requires(!detail::is_expression<std::remove_cvref_t<A>>) void for_each(F f, A&& a) {
  detail::check_function_of<A, F>();
  detail::kind_of<A>::for_each(std::move(f), a);
}

/// Combines all elements and `init` by `op`, which must be associative and commutative. Elements are converted to the
/// type of `init` first.
template <class Op, class R, detail::AnyArray A>
R reduce(Op op, R init, const A& a) {
  auto result = detail::kind_of<A>::template reduce<R>(op, a);
  if (!result) return init;
  if constexpr (requires { detail::kind_of<A>::combine(op, init, *result); })
    return detail::kind_of<A>::combine(op, init, *result);
  else
    return static_cast<R>(op(std::move(init), std::move(*result)));
}

/// The sum; of integers as std::int64_t or std::uint64_t. 0 of an empty array.
template <detail::AnyArray A>
auto sum(const A& a) {
  using R = detail::sum_t<detail::element_of<A>>;
  return detail::kind_of<A>::template reduce<R>(std::plus<>(), a).value_or(R{});
}
/// The product. 1 of an empty array.
template <detail::AnyArray A>
auto prod(const A& a) {
  using R = detail::sum_t<detail::element_of<A>>;
  return detail::kind_of<A>::template reduce<R>(std::multiplies<>(), a).value_or(R{1});
}
/// The smallest element; a NaN if there is one. @throws Error if the array is empty.
template <detail::AnyArray A>
auto minimum(const A& a) {
  using R = detail::element_of<A>;
  return detail::reduced("minimum", detail::kind_of<A>::template reduce<R>(detail::Minimum(), a));
}
/// The largest element; a NaN if there is one. @throws Error if the array is empty.
template <detail::AnyArray A>
auto maximum(const A& a) {
  using R = detail::element_of<A>;
  return detail::reduced("maximum", detail::kind_of<A>::template reduce<R>(detail::Maximum(), a));
}
/// The smallest and the largest element, as a pair. @throws Error if the array is empty.
template <detail::AnyArray A>
auto extrema(const A& a) {
  using T = detail::element_of<A>;
  const auto pairs = detail::make_expression(detail::Twice(), a);
  return detail::reduced("extrema", detail::kind_of<A>::template reduce<std::pair<T, T>>(detail::Extrema(), pairs));
}
/// The mean, in double, or in the type of the elements if it is not an integer. NaN of an empty array.
template <detail::AnyArray A>
auto mean(const A& a) {
  using T = detail::element_of<A>;
  using R = std::conditional_t<std::is_integral_v<T>, double, T>;
  return static_cast<R>(sum(a)) / static_cast<R>(element_count(a.extents()));
}
/// For how many elements `f(x)` is true.
template <class F, detail::AnyArray A>
std::size_t count(F f, const A& a) {
  return static_cast<std::size_t>(sum(detail::make_expression(detail::CountIf<F>{{std::move(f)}}, a)));
}
/// How many elements are true.
template <detail::AnyArray A>
std::size_t count(const A& a) {
  return static_cast<std::size_t>(sum(detail::make_expression(detail::Convert<bool>(), a)));
}
/// Whether `f(x)` is true for all elements; true for an empty array.
template <class F, detail::AnyArray A>
bool all(F f, const A& a) {
  return count(std::move(f), a) == element_count(a.extents());
}
template <detail::AnyArray A>
bool all(const A& a) {
  return count(a) == element_count(a.extents());
}
/// `any(f, a)`: whether `f(x)` is true for some element; `any(a)`: whether one is true. (cohort::any is an object,
/// which also stands for any worker.)
template <class F, detail::AnyArray A>
bool any_element(F f, const A& a) {
  return count(std::move(f), a) != 0;
}
template <detail::AnyArray A>
bool any_element(const A& a) {
  return count(a) != 0;
}
namespace detail {
/// The products may need more bits than the elements.
template <AnyArray A, AnyArray B>
auto dot_of_integers(const A& a, const B& b) {
  using R = sum_t<decltype(element_of<A>() * element_of<B>())>;
  return sum(multiply(make_expression(Convert<R>(), a), make_expression(Convert<R>(), b)));
}
}  // namespace detail

/// The square root of the sum of the squares of the absolute values; of integers in double.
template <detail::AnyArray A>
auto norm(const A& a) {
  if constexpr (std::is_integral_v<detail::element_of<A>>)  // their squares need not be integers of this type
    return norm(detail::make_expression(detail::Convert<double>(), a));
  else if constexpr (requires { detail::kind_of<A>::norm(a); })
    return detail::kind_of<A>::norm(a);
  else
    return std::sqrt(sum(detail::make_expression(detail::SquareOfMagnitude(), a)));
}
/// The sum of the products of the elements of two arrays; of integers as sum(). @throws Error if they have different
/// extents.
template <detail::AnyArray A, detail::AnyArray B>
auto dot(const A& a, const B& b) {
  detail::check_same_extents("dot", a.extents(), b.extents());
  if constexpr (requires { detail::kind_of<A>::dot(a, b); })
    return detail::kind_of<A>::dot(a, b);
  else if constexpr (std::is_integral_v<decltype(detail::element_of<A>() * detail::element_of<B>())>)
    return detail::dot_of_integers(a, b);
  else
    return sum(multiply(a, b));
}

namespace detail {
template <class R, class Op, AnyArray A>
auto along(Op op, const A& a, std::size_t dimension, const R& of_none) {
  auto extents = a.extents();
  if (extents[dimension] != 0) return kind_of<A>::template reduce_dim<R>(std::move(op), a, dimension);
  extents[dimension] = 1;
  using Result = typename kind_of<A>::template Array<R, rank_of<A>>;
  if constexpr (requires { kind_of<A>::filled(extents, of_none); })
    return kind_of<A>::filled(extents, of_none);
  else
    return Result(extents, of_none);
}
}  // namespace detail

// Along one dimension, which then has the extent 1, so that `a - mean(a, dim<0>)` subtracts the mean of each column. If
// the dimension is empty, the sums are 0, the products 1, and the means NaN; minimum(), maximum() and reduce() throw
// Error.
template <detail::AnyArray A, std::size_t I>
auto sum(const A& a, Dimension<I> dimension) {
  static_assert(I < detail::rank_of<A>, "cohort: the array has fewer dimensions");
  using R = detail::sum_t<detail::element_of<A>>;
  return detail::along(std::plus<>(), a, dimension, R{});
}
template <detail::AnyArray A, std::size_t I>
auto prod(const A& a, Dimension<I> dimension) {
  static_assert(I < detail::rank_of<A>, "cohort: the array has fewer dimensions");
  using R = detail::sum_t<detail::element_of<A>>;
  return detail::along(std::multiplies<>(), a, dimension, R{1});
}
template <detail::AnyArray A, std::size_t I>
auto minimum(const A& a, Dimension<I> dimension) {
  static_assert(I < detail::rank_of<A>, "cohort: the array has fewer dimensions");
  return detail::kind_of<A>::template reduce_dim<detail::element_of<A>>(detail::Minimum(), a, dimension);
}
template <detail::AnyArray A, std::size_t I>
auto maximum(const A& a, Dimension<I> dimension) {
  static_assert(I < detail::rank_of<A>, "cohort: the array has fewer dimensions");
  return detail::kind_of<A>::template reduce_dim<detail::element_of<A>>(detail::Maximum(), a, dimension);
}
template <detail::AnyArray A, std::size_t I>
auto mean(const A& a, Dimension<I> dimension) {
  using T = detail::element_of<A>;
  using R = std::conditional_t<std::is_integral_v<T>, double, T>;
  auto sums = sum(a, dimension);
  using Result = typename detail::kind_of<A>::template Array<R, detail::rank_of<A>>;
  return Result(std::move(sums) / static_cast<R>(a.extents()[I]));
}
/// Reduces along one dimension by `op`, to elements of type R.
template <class R, class Op, detail::AnyArray A, std::size_t I>
auto reduce(Op op, const A& a, Dimension<I> dimension) {
  static_assert(I < detail::rank_of<A>, "cohort: the array has fewer dimensions");
  return detail::kind_of<A>::template reduce_dim<R>(std::move(op), a, dimension);
}

/// The product of two matrices, or of a matrix and a vector. @throws Error if the extents do not fit.
template <detail::AnyArray A, detail::AnyArray B>
auto operator*(const A& a, const B& b) {
  static_assert(detail::rank_of<A> == 2 && (detail::rank_of<B> == 1 || detail::rank_of<B> == 2),
                "cohort: a * b is a product of a matrix and a vector or matrix: multiply(a, b) for the products of the "
                "elements, dot(a, b) for their sum");
  static_assert(std::is_same_v<detail::kind_of<A>, detail::kind_of<B>>,
                "cohort: both arrays of a product are of one kind: distribute() the local one, or gather() the other");
  return detail::kind_of<A>::product(a, b);
}
/// Rows become columns.
template <detail::AnyArray A>
auto transpose(const A& a) {
  static_assert(detail::rank_of<A> == 2, "cohort: only a matrix can be transposed");
  return detail::kind_of<A>::transpose(a);
}

// `a /= 2.0` is `a = a / 2.0`: the result is a new array, which other handles on a distributed array do not see.
template <detail::AnyArray A, class B>
requires(detail::Operands<A, B> && !detail::is_expression<A>) A& operator+=(A& a, const B& b) { return a = a + b; }
template <detail::AnyArray A, class B>
requires(detail::Operands<A, B> && !detail::is_expression<A>) A& operator-=(A& a, const B& b) { return a = a - b; }
template <detail::AnyArray A, class B>
requires(detail::Operands<A, B> && !detail::is_expression<A> && !detail::AnyArray<B>) A& operator*=(A& a, const B& b) {
  return a = a * b;
}
template <detail::AnyArray A, class B>
requires(detail::Operands<A, B> && !detail::is_expression<A>) A& operator/=(A& a, const B& b) { return a = a / b; }

namespace detail {

/// `c += a * b`, for matrices in C order: `a` has `rows` x `inner`, `b` `inner` x `columns`.
template <class T, class A, class B>
void add_product(const A* a, const B* b, T* c, std::size_t rows, std::size_t inner, std::size_t columns) {
  constexpr std::size_t block = 64;  // rows of b that stay in the cache
  for (std::size_t from = 0; from < inner; from += block) {
    const std::size_t to = std::min(inner, from + block);
    for (std::size_t i = 0; i < rows; i++)
      for (std::size_t k = from; k < to; k++) {
        const T factor = static_cast<T>(a[i * inner + k]);
        for (std::size_t j = 0; j < columns; j++) c[i * columns + j] += factor * static_cast<T>(b[k * columns + j]);
      }
  }
}

/// @throws Error that names both if the second extent of `a` is not the first one of `b`.
void check_product(std::span<const std::size_t> a, std::span<const std::size_t> b);

template <class A, class B>
auto HostKind::product(const A& a, const B& b) {
  if constexpr (is_expression<A>) {
    return product(result_of<A>(a), b);
  } else if constexpr (is_expression<B>) {
    return product(a, result_of<B>(b));
  } else {
    check_product(a.extents(), b.extents());
    using T = decltype(element_of<A>() * element_of<B>());
    const auto [rows, inner] = a.extents();
    if constexpr (rank_of<B> == 2) {
      NdArray<T, 2> c({rows, b.extents()[1]});
      add_product(a.data(), b.data(), c.data(), rows, inner, b.extents()[1]);
      return c;
    } else {
      NdArray<T, 1> c(Extents<1>{rows});
      for (std::size_t i = 0; i < rows; i++) {
        const auto* row = a.data() + i * inner;
        auto value = [&, v = b.data()](std::size_t k) { return row[k] * v[k]; };
        auto op = std::plus<>();
        if (inner != 0) c[i] = reduce_leaf<T>(Box<1>{{0}, {inner}}, Extents<1>{inner}, value, op);
      }
      return c;
    }
  }
}

template <class A>
auto HostKind::transpose(const A& a) {
  if constexpr (is_expression<A>) {
    return transpose(result_of<A>(a));
  } else {
    const auto [rows, columns] = a.extents();
    NdArray<element_of<A>, 2> result({columns, rows});
    for (std::size_t i = 0; i < rows; i++)
      for (std::size_t j = 0; j < columns; j++) result[j * rows + i] = a.data()[i * columns + j];
    return result;
  }
}

}  // namespace detail
}  // namespace cohort
