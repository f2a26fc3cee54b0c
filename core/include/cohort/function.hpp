#pragma once

#include <concepts>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cohort/detail/runtime.hpp>
#include <cohort/task.hpp>

namespace COHORT_EXPORT cohort {

namespace detail {
/// True for everything that `auto` can be deduced to. Its name is an error message: if the argument of fn<> is the name
/// of several functions, nothing can be deduced, no static_assert is reached, and the compiler quotes this name.
template <class T>
concept one_function_so_cast_an_overloaded_name_or_write_a_lambda = !std::is_void_v<T>;
}  // namespace detail

/// Names an ordinary function for a remote call: `remotecall(fn<count_heads>, pid, 1000L)`. A member function takes
/// the object, which is sent as a value, as its first argument: `remotecall(fn<&Account::total>, pid, account)`.
/// Choose one of several overloads by a cast: `fn<static_cast<double (*)(double)>(std::sqrt)>`.
template <detail::one_function_so_cast_an_overloaded_name_or_write_a_lambda auto Function>
struct NamedFunction {
  template <class... A>
  requires std::is_invocable_v<decltype(Function), A...>
  decltype(auto) operator()(A&&... a) const { return std::invoke(Function, std::forward<A>(a)...); }
};
template <detail::one_function_so_cast_an_overloaded_name_or_write_a_lambda auto Function>
inline constexpr NamedFunction<Function> fn{};

/// A captureless lambda together with the values that it needs. The values are sent with the call, and are its first
/// arguments: `remotecall(capture(k, [](double k, double x) { return k * x; }), pid, 2.0)`
template <class F, class... Values>
struct Captured {
  std::tuple<Values...> values;

  template <class... A>
  requires std::is_invocable_v<F, const Values&..., A...>
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
struct SerializedAs {
  using type = T;
};
template <>
struct SerializedAs<const char*> {
  using type = std::string;
};
template <>
struct SerializedAs<char*> {
  using type = std::string;
};
template <>
struct SerializedAs<std::string_view> {
  using type = std::string;
};
template <class T>
using serialized_as_t = typename SerializedAs<std::decay_t<T>>::type;

template <class F>
constexpr bool check_function() {
  static_assert(
      !std::is_member_pointer_v<F>,
      "cohort: a pointer to a member is named with fn: fn<&Class::member>, with the object as first argument");
  static_assert(Stateless<F> || FunctionPointer<F> || FunctorByValue<F> || std::is_member_pointer_v<F>,
                "cohort: this function cannot travel because it captures variables; pass them as arguments, or write "
                "capture(values..., lambda) with a lambda that takes them as its first parameters");
  return Stateless<F> || FunctionPointer<F> || FunctorByValue<F>;
}

template <class F, class... A>
constexpr bool check_arguments_fit() {
  constexpr bool fit = std::is_invocable_v<F&, A...>;
  static_assert(fit,
                "cohort: the function cannot be called with these arguments. After the process come all parameters, "
                "default arguments too; options come first; a braced list needs its type. Each arrives as a value of "
                "its own (text as std::string), so no parameter is a `T&` or `const char*`");
  return fit;
}

template <class T>
constexpr bool check_result() {
  if constexpr (std::is_void_v<T>)
    return true;
  else
    return check_value<T>();
}

template <class F, class... A>
struct CallResult {
  using Returned = std::invoke_result_t<F&, A...>;
  using Type = serialized_as_t<typename TaskResult<std::decay_t<Returned>>::type>;
};

/// The result type of a call after a static_assert has reported its error. It converts to everything, so that the
/// compiler adds no further errors about each use.
struct NoResult {
  template <class T>
  operator T() const;
  template <class Stream>
  friend Stream& operator<<(Stream& stream, const NoResult&) {
    return stream;
  }
};

/// Reports the error of a wrong call in one sentence, instead of pages of errors of the compiler that follow from it.
template <class F, class... A>
constexpr bool check_call() {
  if constexpr (!check_function<F>())
    return false;
  else if constexpr (!(... && check_value<A>()))
    return false;
  else if constexpr (!check_arguments_fit<F, A...>())
    return false;
  else
    return check_result<typename CallResult<F, A...>::Type>();
}

template <class F, class... A>
struct CallTraits {
  using Returned = NoResult;
  using Result = NoResult;
};
template <class F, class... A>
requires(check_call<F, A...>()) struct CallTraits<F, A...> {
  using Returned = typename CallResult<F, A...>::Returned;
  using Result = typename CallResult<F, A...>::Type;
};

template <class F, class... A>
using remote_result_t = typename CallTraits<std::decay_t<F>, serialized_as_t<A>...>::Result;
/// False only after a static_assert has failed: then the code for the call is not compiled.
template <class F, class... A>
inline constexpr bool can_call = !std::is_same_v<remote_result_t<F, A...>, NoResult>;

template <class F>
struct ParametersOf {
  using Types = std::tuple<>;  // a template or several functions: unknown
};
template <class R, class... P>
struct ParametersOf<R (*)(P...)> {
  using Types = std::tuple<std::decay_t<P>...>;
};
template <class R, class... P>
struct ParametersOf<R (*)(P...) noexcept> : ParametersOf<R (*)(P...)> {};
template <auto Function>
struct ParametersOf<NamedFunction<Function>> : ParametersOf<std::decay_t<decltype(Function)>> {};
template <class F, class R, class... P>
constexpr auto call_operator(R (F::*)(P...)) -> R (*)(P...);
template <class F, class R, class... P>
constexpr auto call_operator(R (F::*)(P...) const) -> R (*)(P...);
template <class F>
requires requires { &F::operator(); }
struct ParametersOf<F> : ParametersOf<decltype(call_operator(&F::operator()))> {};

template <class P, class A>
void check_number_fits(std::size_t place, const A& argument) {
  if constexpr (std::is_integral_v<P> && !std::is_same_v<P, bool>) {
    if constexpr (std::is_integral_v<A> && !std::is_same_v<A, bool>) {
      if (!std::cmp_equal(+static_cast<P>(argument), +argument))
        fail_number_does_not_fit(place, std::to_string(argument), typeid(P));
    } else if constexpr (std::is_floating_point_v<A>) {
      constexpr A low = static_cast<A>(std::numeric_limits<P>::min());
      constexpr A beyond = static_cast<A>(std::numeric_limits<P>::max() / 2 + 1) * 2;  // a power of two: exact
      if (!(argument >= low && argument < beyond) || static_cast<A>(static_cast<P>(argument)) != argument)
        fail_number_does_not_fit(place, static_cast<double>(argument), typeid(P));
    }
  }
}

/// Checks that integer parameters can hold the given numbers. A number is sent with the type of the argument, and would
/// otherwise be changed silently in the other process. @throws Error
template <class F, class... A>
void check_numbers_fit(const A&... arguments) {
  using Parameters = typename ParametersOf<F>::Types;
  if constexpr (std::tuple_size_v<Parameters> == sizeof...(A)) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (check_number_fits<std::tuple_element_t<I, Parameters>>(I, arguments), ...);
    }
    (std::index_sequence_for<A...>{});
  }
}

/// Encodes the result of a call. The segments keep the memory alive to which they point.
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

/// A function as a field of an object that is sent. For a function without state nothing is written, for a pointer the
/// name of its function, for any other function its fields.
template <class F>
struct Portable {
  [[no_unique_address]] F function{};

  void save(OutArchive& archive) const { write(archive, function); }
  void load(InArchive& archive) { read(archive, function); }

  /// Segments are borrowed from `function`.
  static void write(OutArchive& archive, const F& function) {
    if constexpr (FunctionPointer<F>) {
      const FunctionId id = function_id(reinterpret_cast<const void*>(function));
      archive(id.module, id.offset);
    } else if constexpr (!Stateless<F>) {
      archive(function);
    }
  }
  static void read(InArchive& archive, F& function) {
    if constexpr (FunctionPointer<F>) {
      FunctionId id;
      archive(id.module, id.offset);
      function = reinterpret_cast<F>(const_cast<void*>(function_at(id)));
    } else if constexpr (!Stateless<F>) {
      archive(function);
    }
  }
};

/// A function and its arguments, as received with a call.
template <class F, class... A>
struct DecodedCall {
  F function{};
  std::tuple<A...> arguments;

  void decode(InArchive& archive) {
    Portable<F>::read(archive, function);
    std::apply([&](A&... a) { (archive(a), ...); }, arguments);
    archive.finish();
  }
  decltype(auto) operator()() {
    return std::apply([&](A&... a) -> decltype(auto) { return function(std::move(a)...); }, arguments);
  }
};

/// Answers a call at the end of its task. It is not a lambda in ThunkOf: that would be hidden, but the frame of the
/// coroutine that contains it is not, which gives a warning in each program with a task.
template <class Result>
struct LateReply {
  decltype(defer_reply()) reply;

  template <class Value>
  void operator()(Value value, std::exception_ptr failure) const {
    Payload late;
    try {
      if (value) encode_result<Result>(late, [&]() -> Result { return static_cast<Result>(std::move(*value)); });
    } catch (...) {
      failure = std::current_exception();
    }
    reply->finish(std::move(late), failure);
  }
};

/// Specialised for functions of the library that have a static `try_on_loop(arguments...)`, see Thunk. It returns what
/// the function does, in a std::optional which is empty if a pool thread has to run it.
template <class F>
inline constexpr bool can_try_on_loop = false;
template <class F, class... A>
struct ThunkOf;
template <class Call>
inline constexpr bool decodes_and_tries = false;
template <class F, class... A>
inline constexpr bool decodes_and_tries<ThunkOf<F, A...>> = can_try_on_loop<F>;

template <class Call>
constexpr auto try_on_loop_of() -> decltype(Thunk::try_on_loop) {
  if constexpr (decodes_and_tries<Call>)
    return &Call::decode_and_try;
  else if constexpr (requires { &Call::try_on_loop; })
    return &Call::try_on_loop;
  else
    return nullptr;
}
/// The thunk of `Call::invoke`, and of `Call::try_on_loop` if there is one. The whole class is hidden, so that each
/// module has its own statics, also those of inline functions, which the dynamic linker would otherwise merge. So an id
/// does not depend on the order in which modules were loaded.
template <class Call>
struct __attribute__((visibility("hidden"))) Registered {
  static inline const Thunk thunk{&Call::invoke, try_on_loop_of<Call>()};
  static inline const bool registered = register_thunk(thunk);

  static FunctionId id() {
    static const FunctionId cached = registered ? function_id(&thunk) : FunctionId{};
    return cached;
  }
};

template <class F, class... A>
struct __attribute__((visibility("hidden"))) ThunkOf : Registered<ThunkOf<F, A...>> {
  using Traits = CallTraits<F, A...>;
  using Result = typename Traits::Result;

  static void invoke(InArchive& archive, Payload& result) {
    if constexpr (is_task<std::decay_t<typename Traits::Returned>>) {
      auto call = std::make_shared<DecodedCall<F, A...>>();
      call->decode(archive);
      auto task = (*call)();
      drive(std::move(task), call, LateReply<Result>{defer_reply()});
    } else {
      DecodedCall<F, A...> call;
      call.decode(archive);
      encode_result<Result>(result, [&]() -> decltype(auto) { return call(); });
    }
  }

  static bool decode_and_try(InArchive& archive, Payload& result) {
    DecodedCall<F, A...> call;
    call.decode(archive);
    auto value = std::apply([](const A&... a) { return F::try_on_loop(a...); }, call.arguments);
    if (value) encode_result<Result>(result, [&]() -> Result { return std::move(*value); });
    return value.has_value();
  }
};

/// Takes the place of the thunk of a wrong call.
struct NoThunk {
  static FunctionId id() { return {}; }
};
template <class F, class... A>
using thunk_t = std::conditional_t<can_call<F, A...>, ThunkOf<std::decay_t<F>, serialized_as_t<A>...>, NoThunk>;

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
  if constexpr (can_call<F, A...>) {
    check_numbers_fit<F>(arguments...);
    OutArchive archive(payload);
    Portable<F>::write(archive, function);
    (encode_argument<serialized_as_t<A>>(archive, arguments), ...);
  }
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
    return Captured<F, detail::serialized_as_t<std::tuple_element_t<I, decltype(all)>>...>{
        {std::get<I>(std::move(all))...}};
  }
  (std::make_index_sequence<count>{});
}

}  // namespace cohort
