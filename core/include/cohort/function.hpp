#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cohort/detail/runtime.hpp>
#include <cohort/task.hpp>

namespace cohort {

/// Names an ordinary function for a remote call: `remotecall(fn<count_heads>, pid, 1000L)`.
template <auto Function>
struct NamedFunction {
  template <class... A>
  decltype(auto) operator()(A&&... a) const {
    return Function(std::forward<A>(a)...);
  }
};
template <auto Function>
inline constexpr NamedFunction<Function> fn{};

/// A captureless lambda together with the values it needs: they travel with the call and come first among the
/// arguments. `remotecall(capture(k, [](double k, double x) { return k * x; }), pid, 2.0)`
template <class F, class... Values>
struct Captured {
  std::tuple<Values...> values;

  template <class... A>
  decltype(auto) operator()(A&&... a) const {
    return std::apply([&](const Values&... v) -> decltype(auto) { return F{}(v..., std::forward<A>(a)...); }, values);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(values);
  }
};

namespace detail {

template <class F>
concept Stateless = std::is_empty_v<F> && std::is_default_constructible_v<F>;
template <class F>
concept FunctionPointer = std::is_pointer_v<F> && std::is_function_v<std::remove_pointer_t<F>>;
template <class F>
inline constexpr bool is_captured = false;
template <class F, class... V>
inline constexpr bool is_captured<Captured<F, V...>> = true;
template <class F>
concept FunctorByValue = std::is_class_v<F> && !Stateless<F> && (std::is_aggregate_v<F> || is_captured<F>);

/// The type that an argument or a result has on the other side.
template <class T>
struct Travelling {
  using type = T;
};
template <>
struct Travelling<const char*> {
  using type = std::string;
};
template <>
struct Travelling<char*> {
  using type = std::string;
};
template <>
struct Travelling<std::string_view> {
  using type = std::string;
};
template <class T>
using travelling_t = typename Travelling<std::decay_t<T>>::type;

template <class F, class... A>
struct CallTraits {
  static_assert(Stateless<F> || FunctionPointer<F> || FunctorByValue<F>,
                "cohort: this function cannot travel because it captures variables; pass them as arguments, or write "
                "capture(values..., lambda) with a lambda that takes them as its first parameters");
  static_assert(std::is_invocable_v<F&, A...>,
                "cohort: the function cannot be called with these arguments; on the worker each argument is a value of "
                "its decayed type (text arrives as std::string), passed as an rvalue");
  using Returned = std::invoke_result_t<F&, A...>;
  using Result = travelling_t<typename Outcome<std::decay_t<Returned>>::type>;
};

template <class F, class... A>
using remote_result_t = typename CallTraits<std::decay_t<F>, travelling_t<A>...>::Result;

/// The result of a call into a payload. What the segments point at is kept alive by them.
template <class R, class Call>
void encode_result(Payload& result, Call&& call) {
  if constexpr (std::is_void_v<R>) {
    call();
  } else if constexpr (std::is_trivially_copyable_v<R> && sizeof(R) < 4096) {
    OutArchive archive(result);
    archive(R(call()));
  } else {
    auto object = std::make_shared<R>(call());
    OutArchive archive(result, object);
    archive(*object);
  }
}

/// A function and its arguments, as they came with a call.
template <class F, class... A>
struct DecodedCall {
  F function{};
  std::tuple<A...> arguments;

  void decode(InArchive& archive) {
    if constexpr (FunctionPointer<F>) {
      FunctionId id;
      archive(id.module, id.offset);
      function = reinterpret_cast<F>(const_cast<void*>(function_at(id)));
    } else if constexpr (!Stateless<F>) {
      archive(function);
    }
    std::apply([&](A&... a) { (archive(a), ...); }, arguments);
    archive.finish();
  }
  decltype(auto) operator()() {
    return std::apply([&](A&... a) -> decltype(auto) { return function(std::move(a)...); }, arguments);
  }
};

/// The whole class is hidden, so that each module has its own statics, also those of inline functions, which the
/// dynamic linker would merge otherwise: an id is then right whatever the order in which modules were loaded.
template <class F, class... A>
struct __attribute__((visibility("hidden"))) ThunkOf {
  using Traits = CallTraits<F, A...>;
  using Result = typename Traits::Result;

  static void invoke(InArchive& archive, Payload& result) {
    if constexpr (is_task<std::decay_t<typename Traits::Returned>>) {
      auto call = std::make_shared<DecodedCall<F, A...>>();
      call->decode(archive);
      auto task = (*call)();
      drive(std::move(task), call, [reply = defer_reply()](auto value, std::exception_ptr failure) {
        Payload late;
        try {
          if (value) encode_result<Result>(late, [&]() -> Result { return static_cast<Result>(std::move(*value)); });
        } catch (...) {
          failure = std::current_exception();
        }
        reply->finish(std::move(late), failure);
      });
    } else {
      DecodedCall<F, A...> call;
      call.decode(archive);
      encode_result<Result>(result, [&]() -> decltype(auto) { return call(); });
    }
  }

  static inline const Thunk thunk{&ThunkOf::invoke, __PRETTY_FUNCTION__};
  static inline const bool registered = register_thunk(thunk);

  static FunctionId id() {
    static const FunctionId cached = registered ? function_id(&thunk) : FunctionId{};
    return cached;
  }
};

template <class T, class A>
void encode_argument(OutArchive& archive, const A& argument) {
  if constexpr (std::is_same_v<T, std::decay_t<A>>) {
    archive(argument);
  } else {
    static_assert(std::is_same_v<T, std::string>);
    auto text = std::make_shared<const std::string>(argument);  // long text travels as a segment: it must outlive us
    archive.write_block(text->data(), text->size(), 1, text);
  }
}

template <class F, class... A>
Payload encode_call(const F& function, const A&... arguments) {
  Payload payload;
  OutArchive archive(payload);
  if constexpr (FunctionPointer<F>) {
    const FunctionId id = function_id(reinterpret_cast<const void*>(function));
    archive(id.module, id.offset);
  } else if constexpr (!Stateless<F>) {
    archive(function);
  }
  (encode_argument<travelling_t<A>>(archive, arguments), ...);
  return payload;
}

}  // namespace detail

/// @param values_and_lambda any number of values, then a captureless lambda that takes them first.
template <class... T>
auto capture(T&&... values_and_lambda) {
  auto all = std::forward_as_tuple(std::forward<T>(values_and_lambda)...);
  constexpr auto count = sizeof...(T) - 1;
  using F = std::decay_t<std::tuple_element_t<count, decltype(all)>>;
  static_assert(detail::Stateless<F>,
                "cohort: capture(values..., lambda) wants a captureless lambda last, taking the values as its first "
                "parameters");
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return Captured<F, detail::travelling_t<std::tuple_element_t<I, decltype(all)>>...>{
        {std::get<I>(std::move(all))...}};
  }
  (std::make_index_sequence<count>{});
}

}  // namespace cohort
