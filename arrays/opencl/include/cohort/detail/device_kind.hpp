#pragma once

#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cohort/detail/kernel_functions.hpp>

// Expressions and algorithms over arrays on the OpenCL device of this process.

namespace COHORT_EXPORT cohort {

template <class T, std::size_t N>
class DeviceArray;

namespace detail {

struct DeviceKind;

/// An array in an expression. It shares the memory of the array.
template <class T, std::size_t N>
class DeviceOperand {
 public:
  using value_type = T;
  DeviceOperand() = default;
  template <class A>
  requires std::is_same_v<kind_of<A>, DeviceKind> DeviceOperand(const A& array)
      : memory_(array.memory()), extents_(array.extents()) {}
  const DeviceMemoryPointer& memory() const { return memory_; }
  const Extents<N>& extents() const { return extents_; }

 private:
  DeviceMemoryPointer memory_;
  Extents<N> extents_{};
};

template <class T, std::size_t N>
struct ArrayTraits<DeviceOperand<T, N>> {
  using Kind = DeviceKind;
  using value_type = T;
  static constexpr std::size_t rank = N;
  using OperandType = DeviceOperand<T, N>;
};
template <class T, std::size_t N>
struct ArrayTraits<DeviceArray<T, N>> {
  using Kind = DeviceKind;
  using value_type = T;
  static constexpr std::size_t rank = N;
  using OperandType = DeviceOperand<T, N>;
};

template <class E, std::size_t N>
concept DeviceExpression = is_expression<E> && std::is_same_v<kind_of<E>, DeviceKind> && rank_of<E>
== N;

/// The name of the variable that has the value of an element of the expression.
template <class T, std::size_t N>
std::string text_of(KernelBuilder& builder, const DeviceOperand<T, N>& array) {
  return builder.array(element_type<T>(), array.memory(), array.extents());
}
template <class T>
std::string text_of(KernelBuilder& builder, const Scalar<T>& scalar) {
  return builder.scalar(element_type<T>(), &scalar.value, sizeof(T));
}
template <class Op, class... Operand>
std::string text_of(KernelBuilder& builder, const Expression<Op, Operand...>& expression) {
  using Result = element_of<Expression<Op, Operand...>>;
  return std::apply(
      [&](const auto&... operand) {
        const std::string arguments[] = {text_of(builder, operand)...};
        return builder.call(KernelFunction<Op>::template pattern<Result>(builder, expression.op()), arguments,
                            element_type<Result>());
      },
      expression.operands());
}

/// What the algorithms do with arrays of this kind. Reductions combine the elements in an order that depends on the
/// device: floating-point sums need not have the same bits as those of an NdArray, or of another device.
struct DeviceKind {
  template <class T, std::size_t N>
  using Array = DeviceArray<T, N>;

  /// `op` of all elements; nothing if there are none. Waits for the result.
  template <class R, class Op, AnyArray A>
  static std::optional<R> reduce(Op op, const A& array) {
    if constexpr (std::is_same_v<Op, Extrema>) {  // of pairs that are twice the same element
      using T = typename R::first_type;
      const auto& elements = std::get<0>(array.operands());
      const auto least = reduce<T>(Minimum(), elements);
      if (!least) return std::nullopt;
      return R(*least, *reduce<T>(Maximum(), elements));
    } else {
      const auto extents = array.extents();
      element_count(extents);  // throws if there are too many
      KernelBuilder builder(extents);
      const std::string value = text_of(builder, operand_t<A>(array));
      const std::string pattern = KernelFunction<Op>::template pattern<R>(builder, op);
      R result;
      if (!builder.reduce(value, element_type<R>(), pattern, &result)) return std::nullopt;
      return result;
    }
  }

  /// `op(a, b)`, on the device if it is a function for that.
  template <class Op, class R>
  static R combine(Op op, const R& a, const R& b) {
    if constexpr (is_device_function<Op>) {
      DeviceArray<R, 1> result(Uninitialized(), {1});
      KernelBuilder builder(result.extents());
      const std::string operands[] = {text_of(builder, Scalar<R>{a}), text_of(builder, Scalar<R>{b})};
      const std::string pattern = KernelFunction<Op>::template pattern<R>(builder, op);
      builder.evaluate(builder.call(pattern, operands, element_type<R>()), element_type<R>(), result.memory());
      return result.copy()[0];
    } else {
      return static_cast<R>(op(a, b));
    }
  }

  template <class F, AnyArray A>
  static void for_each(F, A&) {
    static_assert(std::is_void_v<F>,
                  "cohort: for_each() does not run on an OpenCL device: assign an expression, as in "
                  "a = map(cohort::opencl::function<double(double)>(\"sin(x0) + 1\"), a)");
  }

  /// Along one dimension, whose extent becomes 1. @throws Error if it is 0.
  template <class R, class Op, AnyArray A>
  static auto reduce_dim(Op op, const A& array, std::size_t dimension) {
    const auto whole = array.extents();
    element_count(whole);  // throws if there are too many
    auto extents = whole;
    const std::size_t length = std::exchange(extents[dimension], 1);
    Array<R, rank_of<A>> result(Uninitialized(), extents);
    if (result.empty()) return result;
    if (length == 0) fail_empty("a reduction along a dimension");
    KernelBuilder builder(whole);
    const std::string value = text_of(builder, operand_t<A>(array));
    const std::string pattern = KernelFunction<Op>::template pattern<R>(builder, op);
    builder.reduce_along(dimension, value, element_type<R>(), pattern, result.memory());
    return result;
  }

  /// The product of matrices, or of a matrix and a vector: by CLBlast for float and double.
  template <class A, class B>
  static auto product(const A& a, const B& b) {
    if constexpr (is_expression<A>) {
      return product(result_of<A>(a), b);
    } else if constexpr (is_expression<B>) {
      return product(a, result_of<B>(b));
    } else {
      check_product(a.extents(), b.extents());
      using T = decltype(element_of<A>() * element_of<B>());
      const auto [rows, inner] = a.extents();
      auto extents = b.extents();
      extents[0] = rows;
      const std::size_t columns = rank_of<B> == 2 ? extents.back() : 1;
      Array<T, rank_of<B>> c(Uninitialized(), extents);
      multiply_on_device({element_type<element_of<A>>(), a.memory(), rows, inner},
                         {element_type<element_of<B>>(), b.memory(), inner, columns},
                         {element_type<T>(), c.memory(), rows, columns});
      return c;
    }
  }

  template <class A>
  static auto transpose(const A& a) {
    if constexpr (is_expression<A>) {
      return transpose(result_of<A>(a));
    } else {
      constexpr ElementType type = element_type<element_of<A>>();
      const auto [rows, columns] = a.extents();
      Array<element_of<A>, 2> result(Uninitialized(), {columns, rows});
      KernelBuilder builder(result.extents());
      builder.evaluate(builder.array_with_strides(type, a.memory(), {1, columns}), type, result.memory());
      return result;
    }
  }

  template <class A>
  static auto norm(const A& a) {
    using T = element_of<A>;
    if constexpr (!is_expression<A> && std::is_floating_point_v<T>) {
      T result;
      if (norm_by_clblast(element_type<T>(), a.memory(), element_count(a.extents()), &result)) return result;
    }
    return std::sqrt(sum(make_expression(SquareOfMagnitude(), a)));
  }

  /// The extents are equal.
  template <class A, AnyArray B>
  static auto dot(const A& a, const B& b) {
    using T = element_of<A>;
    if constexpr (std::is_floating_point_v<T> && std::is_same_v<A, DeviceArray<T, rank_of<A>>> &&
                  std::is_same_v<A, B>) {
      T result;
      if (dot_by_clblast(element_type<T>(), a.memory(), b.memory(), element_count(a.extents()), &result)) return result;
    }
    return sum(multiply(a, b));
  }
};

}  // namespace detail
}  // namespace cohort
