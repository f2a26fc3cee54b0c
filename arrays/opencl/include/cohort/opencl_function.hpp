#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include <cohort/expression.hpp>

namespace COHORT_EXPORT cohort {
namespace detail {
/// @throws Error: this function runs on devices only.
[[noreturn]] void fail_device_function(const std::string& text);
}  // namespace detail

namespace opencl {

/// See function().
template <class Signature>
struct Function;

template <class R, class... Parameter>
struct Function<R(Parameter...)> {
  std::string text;
  std::string declarations;

  /// An expression: the function of each element of the arrays.
  template <class... A>
  requires(sizeof...(A) == sizeof...(Parameter) && (detail::AnyArray<A> || ...)) auto operator()(A&&... a) const {
    return detail::make_expression(*this, std::forward<A>(a)...);
  }
  /// It has a result type in C++, but runs on devices only. @throws Error
  R operator()(Parameter...) const { detail::fail_device_function(text); }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(text, declarations);
  }
};

/// A function of elements, written in OpenCL C, for map(), count(), reduce() and expressions over DeviceArrays. It
/// becomes a part of the kernel of its expression. Each text is compiled once for a process: pass what varies as an
/// argument, not in the text.
/// @param text an expression of the parameters, which are called x0, x1, ...
/// @param declarations functions in OpenCL C that the text calls
/// An error in the text is an Error with the compiler's log, when the kernel is first needed.
///
///     const auto f = cohort::opencl::function<double(double, double)>("x0 > x1 ? x0 : sqrt(x1)");
///     c = 2.0 * f(a, b);
///     d = map(f, a, b);
///     cohort::reduce(cohort::opencl::function<double(double, double)>("fmax(x0, x1)"), 0.0, a);
template <class Signature>
Function<Signature> function(std::string text, std::string declarations = {}) {
  return {std::move(text), std::move(declarations)};
}

}  // namespace opencl
}  // namespace cohort
