#pragma once

#include <tuple>
#include <utility>

#include <cohort/function.hpp>

namespace COHORT_EXPORT cohort {
namespace detail {

/// Calls `Body{}(functions..., arguments...)`: functions of the program inside a function of the library. It has no
/// state if none of them has state; then nothing needs to be sent before it is called.
template <class Body, class... F>
struct Bound {
  [[no_unique_address]] std::tuple<Portable<F>...> functions;

  template <class... A>
  auto operator()(A&&... arguments) const {
    return std::apply([&](const auto&... f) { return Body{}(f.function..., std::forward<A>(arguments)...); },
                      functions);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(functions);
  }
};

template <class Body, class... F>
auto bound(F... functions) {
  return Bound<Body, F...>{{Portable<F>{std::move(functions)}...}};
}

}  // namespace detail
}  // namespace cohort
