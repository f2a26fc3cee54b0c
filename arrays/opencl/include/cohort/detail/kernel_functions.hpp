#pragma once

#include <functional>
#include <string>
#include <type_traits>

#include <cohort/algorithms.hpp>
#include <cohort/detail/kernel_builder.hpp>
#include <cohort/opencl_function.hpp>

// The functions of expressions and algorithms in OpenCL C. Both languages convert operands by the same rules, and the
// result is converted to the type that it has in C++.

namespace COHORT_EXPORT cohort {
namespace detail {

template <class Op>
inline constexpr bool is_device_function = false;
template <class Signature>
inline constexpr bool is_device_function<opencl::Function<Signature>> = true;

/// `pattern()` is what KernelBuilder::call() takes. @param Result the type in C++
template <class Op>
struct KernelFunction {
  static_assert(is_device_function<Op>,
                "cohort: a C++ function cannot run on an OpenCL device: write it in OpenCL C, as in "
                "map(cohort::opencl::function<double(double)>(\"sin(x0) + 1\"), a)");
  template <class Result>
  static std::string pattern(KernelBuilder&, const Op&) {
    return {};
  }
};

#define COHORT_KERNEL_FUNCTION_(Op, text)                   \
  template <>                                               \
  struct KernelFunction<Op> {                               \
    template <class Result>                                 \
    static const char* pattern(KernelBuilder&, const Op&) { \
      return text;                                          \
    }                                                       \
  };
COHORT_KERNEL_FUNCTION_(Sin, "sin(($R)$0)")
COHORT_KERNEL_FUNCTION_(Cos, "cos(($R)$0)")
COHORT_KERNEL_FUNCTION_(Tan, "tan(($R)$0)")
COHORT_KERNEL_FUNCTION_(Exp, "exp(($R)$0)")
COHORT_KERNEL_FUNCTION_(Log, "log(($R)$0)")
COHORT_KERNEL_FUNCTION_(Sqrt, "sqrt(($R)$0)")
COHORT_KERNEL_FUNCTION_(Pow, "pow(($R)$0, ($R)$1)")
COHORT_KERNEL_FUNCTION_(Minimum, "$1 < $0 || $1 != $1 ? $1 : $0")
COHORT_KERNEL_FUNCTION_(Maximum, "$0 < $1 || $1 != $1 ? $1 : $0")
COHORT_KERNEL_FUNCTION_(SquareOfMagnitude, "$0 * $0")
#undef COHORT_KERNEL_FUNCTION_

// Those of <functional>: std::plus<>, and std::plus<double>, which converts its arguments.
#define COHORT_KERNEL_FUNCTION_(op, text)                                 \
  template <class T>                                                      \
  struct KernelFunction<std::op<T>> {                                     \
    template <class Result>                                               \
    static std::string pattern(KernelBuilder&, const std::op<T>&) {       \
      if constexpr (std::is_void_v<T>)                                    \
        return text;                                                      \
      else                                                                \
        return KernelBuilder::with_arguments_of(element_type<T>(), text); \
    }                                                                     \
  };
COHORT_KERNEL_FUNCTION_(negate, "-$0")
COHORT_KERNEL_FUNCTION_(plus, "$0 + $1")
COHORT_KERNEL_FUNCTION_(minus, "$0 - $1")
COHORT_KERNEL_FUNCTION_(multiplies, "$0 * $1")
COHORT_KERNEL_FUNCTION_(divides, "$0 / $1")
COHORT_KERNEL_FUNCTION_(modulus, "$0 % $1")
COHORT_KERNEL_FUNCTION_(equal_to, "$0 == $1")
COHORT_KERNEL_FUNCTION_(not_equal_to, "$0 != $1")
COHORT_KERNEL_FUNCTION_(less, "$0 < $1")
COHORT_KERNEL_FUNCTION_(less_equal, "$0 <= $1")
COHORT_KERNEL_FUNCTION_(greater, "$0 > $1")
COHORT_KERNEL_FUNCTION_(greater_equal, "$0 >= $1")
COHORT_KERNEL_FUNCTION_(logical_and, "$0 && $1")
COHORT_KERNEL_FUNCTION_(logical_or, "$0 || $1")
COHORT_KERNEL_FUNCTION_(logical_not, "!$0")
COHORT_KERNEL_FUNCTION_(bit_and, "$0 & $1")
COHORT_KERNEL_FUNCTION_(bit_or, "$0 | $1")
COHORT_KERNEL_FUNCTION_(bit_xor, "$0 ^ $1")
COHORT_KERNEL_FUNCTION_(bit_not, "~$0")
#undef COHORT_KERNEL_FUNCTION_

template <>
struct KernelFunction<DivideIntegers> {
  template <class Result>
  static const char* pattern(KernelBuilder&, const DivideIntegers&) {
    if constexpr (std::is_signed_v<Result>)
      return "$1 == 0 ? 0 : ($R)$1 == -1 ? -($R)$0 : ($R)$0 / ($R)$1";
    else
      return "$1 == 0 ? 0 : ($R)$0 / ($R)$1";
  }
};
template <>
struct KernelFunction<Abs> {
  template <class Result>
  static const char* pattern(KernelBuilder&, const Abs&) {
    return std::is_floating_point_v<Result> ? "fabs(($R)$0)" : "abs(($R)$0)";
  }
};
template <class T>
struct KernelFunction<Convert<T>> {
  template <class Result>
  static const char* pattern(KernelBuilder&, const Convert<T>&) {
    return "$0";
  }
};
template <class R, class... Parameter>
struct KernelFunction<opencl::Function<R(Parameter...)>> {
  template <class Result>
  static std::string pattern(KernelBuilder& builder, const opencl::Function<R(Parameter...)>& function) {
    static constexpr ElementType parameters[] = {element_type<std::remove_cvref_t<Parameter>>()...};
    return builder.function(function.text, function.declarations, element_type<R>(), parameters);
  }
};
template <class F>
struct KernelFunction<CountIf<F>> {
  template <class Result>
  static std::string pattern(KernelBuilder& builder, const CountIf<F>& op) {
    return std::string("(") + KernelFunction<F>::template pattern<bool>(builder, op.f.function) + ") ? 1 : 0";
  }
};

}  // namespace detail
}  // namespace cohort
