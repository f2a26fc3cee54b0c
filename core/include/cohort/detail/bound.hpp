#pragma once

#include <tuple>
#include <utility>

#include <cohort/function.hpp>

namespace cohort::detail {

/// A function as a field of something that travels.
template <class F>
struct Carried {
  F function{};
  template <class Archive>
  void serialize(Archive& archive) {
    if constexpr (FunctionPointer<F>) {
      FunctionId id;
      if constexpr (Archive::is_saving::value) id = function_id(reinterpret_cast<const void*>(function));
      archive(id.module, id.offset);
      if constexpr (Archive::is_loading::value) function = reinterpret_cast<F>(const_cast<void*>(function_at(id)));
    } else if constexpr (!Stateless<F>) {
      archive(function);
    }
  }
};

/// `Body{}(functions..., arguments...)`: functions of the program inside a function of the library. Without state if
/// none of them has any, for then nothing needs to be sent before it is called.
template <class Body, class... F>
struct BoundWithState {
  std::tuple<Carried<F>...> functions;
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
struct BoundStateless {
  template <class... A>
  auto operator()(A&&... arguments) const {
    return Body{}(F{}..., std::forward<A>(arguments)...);
  }
};

template <class Body, class... F>
auto bound(F... functions) {
  if constexpr ((Stateless<F> && ...))
    return BoundStateless<Body, F...>{};
  else
    return BoundWithState<Body, F...>{{Carried<F>{std::move(functions)}...}};
}

}  // namespace cohort::detail
