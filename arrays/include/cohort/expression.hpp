#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <functional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cohort/box.hpp>
#include <cohort/function.hpp>

// Element-wise expressions: `2.0 * a / b` is computed in one pass over the elements, when it is assigned to an array.
// The same operators work for arrays of each kind: NdArray and SharedArray (in this process), DArray (where its parts
// are), DeviceArray (on its device). All arrays of an expression are of one kind and of one rank; a dimension of extent
// 1 is repeated, as in NumPy. An expression is not computed before it is assigned: until then, the arrays that it was
// made of must live, and changes of them are seen.

namespace COHORT_EXPORT cohort {

template <class Op, class... Operand>
class Expression;

namespace detail {

/// Specialised for each kind of array: `Kind`, `value_type`, `rank`, and `OperandType`, which stands for it in
/// expressions and is made of it.
template <class A>
struct ArrayTraits {};

template <class A>
concept AnyArray = requires {
  typename ArrayTraits<std::remove_cvref_t<A>>::Kind;
};
template <class A>
using kind_of = typename ArrayTraits<std::remove_cvref_t<A>>::Kind;
template <class A>
using element_of = typename ArrayTraits<std::remove_cvref_t<A>>::value_type;
template <class A>
inline constexpr std::size_t rank_of = ArrayTraits<std::remove_cvref_t<A>>::rank;
/// The array to which an expression with this operand is assigned.
template <class A>
using result_of = typename kind_of<A>::template Array<element_of<A>, rank_of<A>>;
template <class A>
inline constexpr bool is_expression = false;
template <class Op, class... Operand>
inline constexpr bool is_expression<Expression<Op, Operand...>> = true;

/// A number in an expression.
template <class T>
struct Scalar {
  T value{};

  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
  }
};
template <class T>
inline constexpr bool is_scalar = false;
template <class T>
inline constexpr bool is_scalar<Scalar<T>> = true;

template <class A>
struct OperandOf {
  using Type = Scalar<std::remove_cvref_t<A>>;
};
template <AnyArray A>
struct OperandOf<A> {
  using Type = typename ArrayTraits<std::remove_cvref_t<A>>::OperandType;
};
template <class A>
using operand_t = typename OperandOf<A>::Type;

template <class A>
struct ElementOf {
  using Type = element_of<A>;
};
template <class T>
struct ElementOf<Scalar<T>> {
  using Type = T;
};

template <class... Operand>
struct CommonKind;  // none of them is an array
template <class First, class... Rest>
struct CommonKind<First, Rest...> : CommonKind<Rest...> {};
template <AnyArray First, class... Rest>
struct CommonKind<First, Rest...> {
  using Kind = kind_of<First>;
  static constexpr std::size_t rank = rank_of<First>;
  template <class A>
  static constexpr bool fits() {
    if constexpr (AnyArray<A>)
      return std::is_same_v<kind_of<A>, Kind> && rank_of<A> == rank;
    else
      return true;
  }
  static_assert((fits<Rest>() && ...),
                "cohort: the arrays of an expression are of one kind and of one rank: distribute() a local array, "
                "gather() a distributed one, reshape() one of another rank");
};

template <class Op, class... Operand>
struct ArrayTraits<Expression<Op, Operand...>> {
  using Kind = typename CommonKind<Operand...>::Kind;
  using value_type = std::decay_t<std::invoke_result_t<Op&, typename ElementOf<Operand>::Type...>>;
  static constexpr std::size_t rank = CommonKind<Operand...>::rank;
  using OperandType = Expression<Op, Operand...>;
};

/// Makes the extents of an operand and of those before it one: @throws Error if they cannot be repeated to fit.
void join_extents(std::span<std::size_t> joined, std::span<const std::size_t> extents);

}  // namespace detail

/// A function of the elements of arrays that is not computed yet. Any thread.
template <class Op, class... Operand>
class Expression {
 public:
  using value_type = typename detail::ArrayTraits<Expression>::value_type;
  static constexpr std::size_t rank = detail::ArrayTraits<Expression>::rank;

  Expression() = default;
  explicit Expression(Op op, Operand... operands) : op_{std::move(op)}, operands_(std::move(operands)...) {}

  /// Of the array that it gives. @throws Error if those of its arrays do not fit each other.
  Extents<rank> extents() const {
    Extents<rank> joined;
    joined.fill(1);
    for_each_array([&](const auto& array) { detail::join_extents(joined, array.extents()); });
    return joined;
  }
  const Op& op() const { return op_.function; }
  Op& op() { return op_.function; }
  const std::tuple<Operand...>& operands() const { return operands_; }
  std::tuple<Operand...>& operands() { return operands_; }
  /// Calls `visit(array)` for each array that it is made of.
  template <class Visit>
  void for_each_array(Visit&& visit) const {
    visit_operands(visit, operands_, std::index_sequence_for<Operand...>());
  }
  template <class Visit>
  void for_each_array(Visit&& visit) {
    visit_operands(visit, operands_, std::index_sequence_for<Operand...>());
  }

  template <class Archive>
  void serialize(Archive& archive) {
    if constexpr (!detail::Stateless<Op>) archive(op_);
    serialize_operands(archive, std::index_sequence_for<Operand...>());
  }

 private:
  // std::apply() would cost each program that has expressions some time of compilation.
  template <class Visit, class Operands, std::size_t... I>
  static void visit_operands(Visit& visit, Operands& operands, std::index_sequence<I...>) {
    (visit_operand(visit, std::get<I>(operands)), ...);
  }
  template <class Archive, std::size_t... I>
  void serialize_operands(Archive& archive, std::index_sequence<I...>) {
    (archive(std::get<I>(operands_)), ...);
  }
  template <class Visit, class O>
  static void visit_operand(Visit& visit, O& operand) {
    if constexpr (detail::is_expression<std::remove_const_t<O>>)
      operand.for_each_array(visit);
    else if constexpr (!detail::is_scalar<std::remove_const_t<O>>)
      visit(operand);
  }

  [[no_unique_address]] detail::Portable<Op> op_;
  std::tuple<Operand...> operands_;
};

namespace detail {

template <class Op, class... A>
auto make_expression(Op op, A&&... operands) {
  return Expression<Op, operand_t<A>...>(std::move(op), operand_t<A>{std::forward<A>(operands)}...);
}

template <class S, class A>
concept ScalarFor =
    !AnyArray<S> && (std::is_arithmetic_v<std::remove_cvref_t<S>> || std::convertible_to<S, element_of<A>>);
/// Two arrays, or an array and a number.
template <class A, class B>
concept Operands = (AnyArray<A> && AnyArray<B>) || (AnyArray<A> && ScalarFor<B, A>) || (AnyArray<B> && ScalarFor<A, B>);

// The functions below. The overload for a type of the program's own is found by its namespace.
#define COHORT_FUNCTION_(Name, name)       \
  struct Name {                            \
    template <class... T>                  \
    auto operator()(const T&... x) const { \
      using std::name;                     \
      return name(x...);                   \
    }                                      \
  };
COHORT_FUNCTION_(Sin, sin)
COHORT_FUNCTION_(Cos, cos)
COHORT_FUNCTION_(Tan, tan)
COHORT_FUNCTION_(Exp, exp)
COHORT_FUNCTION_(Log, log)
COHORT_FUNCTION_(Sqrt, sqrt)
COHORT_FUNCTION_(Abs, abs)
COHORT_FUNCTION_(Pow, pow)
#undef COHORT_FUNCTION_

/// @throws Error
[[noreturn]] void fail_division_by_zero();

/// The processor would end the process for a quotient that does not exist. That of the smallest number and -1 wraps
/// around. @throws Error if the divisor is 0.
struct DivideIntegers {
  template <class A, class B>
  auto operator()(A a, B b) const {
    using R = decltype(a / b);
    const R dividend = static_cast<R>(a), divisor = static_cast<R>(b);
    if (divisor == 0) fail_division_by_zero();
    if constexpr (std::is_signed_v<R>)
      if (divisor == -1) return static_cast<R>(0 - static_cast<std::make_unsigned_t<R>>(dividend));
    return static_cast<R>(dividend / divisor);
  }
};
template <class A>
inline constexpr bool has_integers = std::is_integral_v<typename ElementOf<operand_t<A>>::Type>;
template <class A, class B>
using divide_t = std::conditional_t<has_integers<A> && has_integers<B>, DivideIntegers, std::divides<>>;

/// Converts an element; also copies an array.
template <class T>
struct Convert {
  template <class A>
  T operator()(const A& x) const {
    return static_cast<T>(x);
  }
};

}  // namespace detail

// clang-format off
/// Of each element.
template <detail::AnyArray A> auto operator-(A&& a) { return detail::make_expression(std::negate<>(), std::forward<A>(a)); }
template <detail::AnyArray A> auto sin(A&& a) { return detail::make_expression(detail::Sin(), std::forward<A>(a)); }
template <detail::AnyArray A> auto cos(A&& a) { return detail::make_expression(detail::Cos(), std::forward<A>(a)); }
template <detail::AnyArray A> auto tan(A&& a) { return detail::make_expression(detail::Tan(), std::forward<A>(a)); }
template <detail::AnyArray A> auto exp(A&& a) { return detail::make_expression(detail::Exp(), std::forward<A>(a)); }
template <detail::AnyArray A> auto log(A&& a) { return detail::make_expression(detail::Log(), std::forward<A>(a)); }
template <detail::AnyArray A> auto sqrt(A&& a) { return detail::make_expression(detail::Sqrt(), std::forward<A>(a)); }
template <detail::AnyArray A> auto abs(A&& a) { return detail::make_expression(detail::Abs(), std::forward<A>(a)); }
// clang-format on

/// Of each pair of elements, or of each element and a number. Integers that are divided by zero are an Error; the
/// result is 0 on a device.
template <class A, class B>
requires detail::Operands<A, B>
auto operator+(A&& a, B&& b) { return detail::make_expression(std::plus<>(), std::forward<A>(a), std::forward<B>(b)); }
template <class A, class B>
requires detail::Operands<A, B>
auto operator-(A&& a, B&& b) { return detail::make_expression(std::minus<>(), std::forward<A>(a), std::forward<B>(b)); }
template <class A, class B>
requires detail::Operands<A, B>
auto operator/(A&& a, B&& b) {
  return detail::make_expression(detail::divide_t<A, B>(), std::forward<A>(a), std::forward<B>(b));
}
template <class A, class B>
requires detail::Operands<A, B>
auto pow(A&& a, B&& b) { return detail::make_expression(detail::Pow(), std::forward<A>(a), std::forward<B>(b)); }
/// The product of each pair of elements. (`a * b` of two arrays is a product of matrices.)
template <class A, class B>
requires detail::Operands<A, B>
auto multiply(A&& a, B&& b) {
  return detail::make_expression(std::multiplies<>(), std::forward<A>(a), std::forward<B>(b));
}
template <class A, class B>
requires(detail::Operands<A, B> && !(detail::AnyArray<A> && detail::AnyArray<B>)) auto operator*(A&& a, B&& b) {
  return multiply(std::forward<A>(a), std::forward<B>(b));
}

}  // namespace cohort
