#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>

#include <cohort/future.hpp>
#include <cohort/remotecall.hpp>

namespace COHORT_EXPORT cohort {

namespace detail {

struct NamedThunk {
  std::string signature;  ///< mangled
  const Thunk* thunk;
  bool is_coroutine;
};
/// Called during static initialisation. A later registration of a name replaces the earlier one.
bool register_named_function(const char* name, const NamedThunk& function);
/// Writes the beginning of a call by name; the arguments follow.
void save_named_call(OutArchive& archive, std::string_view name, const std::type_info& signature);
Payload fetch_named(Pid pid, Payload& call);
FuturePtr start_named(Pid pid, Payload& call);

/// Hidden, so that each module registers its own thunk.
template <auto Function, class R, class... A>
__attribute__((visibility("hidden"))) bool register_named(const char* name, R (*)(A...)) {
  using Named = ThunkOf<NamedFunction<Function>, serialized_as_t<A>...>;
  using Signature = typename Named::Result(serialized_as_t<A>...);
  return register_named_function(name, {typeid(Signature).name(), &Named::thunk, is_task<std::decay_t<R>>});
}

template <class R, class... A>
Payload encode_named_call(std::string_view name, const A&... arguments) {
  static_assert(std::is_same_v<R, serialized_as_t<R>>, "cohort: a result arrives as a value, and text as std::string");
  Payload payload;
  OutArchive archive(payload);
  save_named_call(archive, name, typeid(R(serialized_as_t<A>...)));
  (encode_argument<serialized_as_t<A>>(archive, arguments), ...);
  return payload;
}

}  // namespace detail

/// Calls the function that is registered as `name` on process `pid`, and waits for its result.
/// R and the types of the arguments must be exactly those of the function; references and const are ignored, and text
/// is std::string. The other process compares them before it decodes anything.
/// @throws RemoteException if there is no such function (cause: an Error, unimplemented, with the nearest name), if its
/// signature is different (cause: an Error with both signatures), or if the function threw.
template <class R, class... A>
R call_named(std::string_view name, Pid pid, const A&... arguments) {
  Payload call = detail::encode_named_call<R>(name, arguments...);
  return detail::decode_result<R>(detail::fetch_named(pid, call));
}

/// Calls a function by name as call_named(), but returns at once; the result stays on that process until it is fetched.
template <class R, class... A>
Future<R> remotecall_named(std::string_view name, Pid pid, const A&... arguments) {
  Payload call = detail::encode_named_call<R>(name, arguments...);
  return Future<R>(detail::start_named(pid, call));
}

}  // namespace cohort

// COHORT_FUNCTION(mean) registers the function `mean` under its own name. COHORT_FUNCTION(mean, stats::mean_of)
// registers another function, or a captureless lambda, as `mean`. Use it at namespace scope of a program, or of a
// module for load_module().
#define COHORT_FUNCTION(name, ...) \
  COHORT_FUNCTION_1_(__COUNTER__, #name, COHORT_FUNCTION_FIRST_(__VA_OPT__((__VA_ARGS__), )(name), 0))
#define COHORT_FUNCTION_FIRST_(first, ...) first
#define COHORT_FUNCTION_1_(number, text, function) COHORT_FUNCTION_2_(number, text, function)
#define COHORT_FUNCTION_2_(number, text, function)              \
  [[maybe_unused]] static const bool cohort_function_##number = \
      ::cohort::detail::register_named<(function)>(text, +(function));
