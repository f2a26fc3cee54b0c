#pragma once

// The job that a worker does for a map: a batch of items. Not for programs.

#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cohort/detail/call_here.hpp>
#include <cohort/detail/function_ref.hpp>
#include <cohort/future.hpp>

namespace COHORT_EXPORT cohort {
namespace detail {

/// What a worker must know about the types of a map.
struct MapJobTypes {
  std::shared_ptr<const void> (*load_function)(InArchive&);
  std::shared_ptr<void> (*load_item)(InArchive&);
  void (*save_result)(OutArchive&, const void* result);
  // Calls the function with an item, which is consumed. `start` is for coroutines, `call` for other functions.
  std::shared_ptr<const void> (*call)(const std::shared_ptr<const void>& function, void* item);
  FuturePtr (*start)(const std::shared_ptr<const void>& function, void* item);
  Decoder decoder;  ///< of the future
};

/// Reads a batch of items, calls the function for each, and writes the outcomes: results and exceptions. An exception
/// of one item does not affect the others.
/// @throws if the arguments are invalid; InterruptedException.
void run_map_job(InArchive& arguments, Payload& result, const MapJobTypes& types);

/// An object for results of functions that return nothing.
std::shared_ptr<void> nothing();

template <class T>
void save_object(OutArchive& archive, const void* object) {
  archive(*static_cast<const T*>(object));
}
template <class T>
std::shared_ptr<void> load_object(InArchive& archive) {
  auto object = std::make_shared<T>();
  archive(*object);
  return object;
}

/// An item is one value, or the values that came from several ranges.
template <class... Values>
struct ItemOf {
  using type = std::tuple<Values...>;
};
template <class T>
struct ItemOf<T> {
  using type = T;
};
template <class... Values>
using item_of_t = typename ItemOf<Values...>::type;

/// `call(values...)`, with the values of an item.
template <class... Values, class Call>
decltype(auto) with_values(Call&& call, void* item) {
  if constexpr (sizeof...(Values) == 1)
    return call(*static_cast<Values*>(item)...);
  else
    return std::apply(call, *static_cast<std::tuple<Values...>*>(item));
}

template <class F, class... Values>
struct __attribute__((visibility("hidden"))) MapJob : Registered<MapJob<F, Values...>> {
  using Result = remote_result_t<F, Values...>;
  static constexpr bool coroutine = is_task<std::decay_t<typename CallTraits<F, Values...>::Returned>>;

  static void invoke(InArchive& arguments, Payload& result) {
    static constexpr MapJobTypes types = types_of_job();
    run_map_job(arguments, result, types);
  }

 private:
  static constexpr MapJobTypes types_of_job() {
    MapJobTypes types{
        &load_function<F>, &load_object<item_of_t<Values...>>, &save_object<stored_t<Result>>, {}, {}, {}};
    if constexpr (coroutine) {
      types.start = &start;
      types.decoder = &decode_object<Result>;
    } else {
      types.call = &call;
    }
    return types;
  }

  static std::shared_ptr<const void> call(const std::shared_ptr<const void>& function, void* item) {
    return with_values<Values...>(
        [&](auto&... values) -> std::shared_ptr<const void> {
          check_numbers_fit<F>(std::as_const(values)...);
          auto callee = callable<F>(function);
          if constexpr (std::is_void_v<Result>) {
            callee(std::move(values)...);
            return nothing();
          } else {
            return std::make_shared<Result>(callee(std::move(values)...));
          }
        },
        item);
  }
  static FuturePtr start(const std::shared_ptr<const void>& function, void* item) {
    return with_values<Values...>(
        [&](auto&... values) -> FuturePtr {
          return state_of(call_here<Result>(callable<F>(function), std::move(values)...));
        },
        item);
  }
};

}  // namespace detail
}  // namespace cohort
