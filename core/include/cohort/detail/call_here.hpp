#pragma once

// Calls of functions on this process's own pool: nothing is encoded, and a function may capture anything.

#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cohort/function.hpp>
#include <cohort/future.hpp>
#include <cohort/task.hpp>

namespace COHORT_EXPORT cohort {
namespace detail {

template <class F, class... A>
struct LocalCall {
  F function;
  std::tuple<serialized_as_t<A>...> arguments;

  decltype(auto) operator()() {
    return std::apply([&](auto&... a) -> decltype(auto) { return function(std::move(a)...); }, arguments);
  }
};

template <class F, class... A>
auto make_local_call(F&& function, A&&... arguments) {
  check_not_null<std::decay_t<F>>(function);
  check_numbers_fit<std::decay_t<F>>(arguments...);
  using Call = LocalCall<std::decay_t<F>, A...>;
  return std::make_shared<Call>(
      Call{std::forward<F>(function), std::tuple<serialized_as_t<A>...>(std::forward<A>(arguments)...)});
}

template <class R, class Value>
void put_value(FutureState& state, Value&& value) {
  if constexpr (std::is_void_v<R>) {
    future_put(state, std::make_shared<Nothing>(), &encode_object<void>);
  } else {
    future_put(state, std::make_shared<R>(std::forward<Value>(value)), &encode_object<R>);
  }
}

/// Runs it on a pool thread. @return the future of its result.
template <class R, class F, class... A>
Future<R> call_here(F&& function, A&&... arguments) {
  auto call = make_local_call(std::forward<F>(function), std::forward<A>(arguments)...);
  auto state = make_future(no_pid);
  run_here(
      [state, call] {
        using Returned = decltype((*call)());
        if constexpr (is_task<std::decay_t<Returned>>) {
          drive((*call)(), call, [state](auto value, std::exception_ptr failure) noexcept {
            try {
              if (failure) std::rethrow_exception(failure);
              put_value<R>(*state, std::move(*value));
            } catch (...) {
              future_fail(*state, current_as_remote());
            }
          });
        } else if constexpr (std::is_void_v<R>) {
          (*call)();
          put_value<R>(*state, Nothing{});
        } else {
          put_value<R>(*state, static_cast<R>((*call)()));
        }
      },
      state);
  return Future<R>(std::move(state));
}

/// Runs it on a pool thread, and discards its result.
template <class F, class... A>
void do_here(F&& function, A&&... arguments) {
  auto call = make_local_call(std::forward<F>(function), std::forward<A>(arguments)...);
  run_here(
      [call] {
        using Returned = decltype((*call)());
        if constexpr (is_task<std::decay_t<Returned>>) {
          drive((*call)(), call, [](auto, std::exception_ptr failure) {
            if (failure) report_forgotten(failure);
          });
        } else {
          (*call)();
        }
      },
      nullptr);
}

}  // namespace detail
}  // namespace cohort
