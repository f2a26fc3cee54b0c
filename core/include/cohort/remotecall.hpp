#pragma once

#include <exception>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cohort/cluster.hpp>
#include <cohort/detail/call_here.hpp>
#include <cohort/function.hpp>
#include <cohort/future.hpp>

namespace COHORT_EXPORT cohort {

// These can be called: a captureless lambda, fn<function>, a function pointer, an aggregate with an operator(), and
// capture(values..., lambda). Arguments are sent as values of their decayed type; a result is a value too.
// A call to this process is an ordinary function call: nothing is copied or encoded.
// All functions throw ProcessExitedException if the process is gone, Error if it never existed, and the exceptions of
// the encoding of an argument (then nothing is sent). They may be called from any thread except that of the event loop.

namespace detail {

template <class R>
R decode_result(const Payload& payload) {
  if constexpr (std::is_void_v<R>) {
    InArchive(payload).finish();
  } else if constexpr (std::is_same_v<R, NoResult>) {
    return R{};
  } else {
    R value{};
    InArchive archive(payload);
    archive(value);
    archive.finish();
    return value;
  }
}

/// Does a blocking call to this process: an ordinary call, with the exceptions of a remote call.
template <class F, class... A>
auto call_inline(F& function, A&&... arguments) -> remote_result_t<F, A...> {
  using R = remote_result_t<F, A...>;
  if constexpr (!can_call<F, A...>) {
    return R{};
  } else if constexpr (is_task<std::decay_t<typename CallTraits<F, serialized_as_t<A>...>::Returned>>) {
    return call_here<R>(function, std::forward<A>(arguments)...).fetch();
  } else {
    check_not_null(function);
    check_numbers_fit<F>(arguments...);
    ThrowStackScope scope;
    try {
      if constexpr (std::is_invocable_v<F&, A...>)
        return static_cast<R>(function(std::forward<A>(arguments)...));
      else  // text that it takes as std::string, or an lvalue that it moves from: as from another process
        return static_cast<R>(function(serialized_as_t<A>(std::forward<A>(arguments))...));
    } catch (...) {
      std::rethrow_exception(current_as_remote());
    }
  }
}

template <class F, class... A>
auto call_inline_within(const WaitOptions& options, F& function, A&&... arguments) -> remote_result_t<F, A...> {
  using R = remote_result_t<F, A...>;
  WaitLimit(options).throw_if_reached();
  if constexpr (is_task<std::decay_t<std::invoke_result_t<F&, A...>>>) {
    const auto future = call_here<R>(function, std::forward<A>(arguments)...);
    try {
      return future.fetch(options);
    } catch (...) {
      if (!future.is_ready()) future.cancel();
      throw;
    }
  } else {
    const WaitLimit limit(options);
    try {
      return call_inline(function, std::forward<A>(arguments)...);
    } catch (...) {
      limit.rethrow_if_reached();
      throw;
    }
  }
}

template <class F, class... A>
auto fetch_within(GivingUp giving_up, const WaitOptions& options, F f, Pid pid, A&&... arguments)
    -> remote_result_t<F, A...> {
  if (pid == myid()) return call_inline_within(options, f, std::forward<A>(arguments)...);
  Payload payload = encode_call(f, arguments...);
  return decode_result<remote_result_t<F, A...>>(call_fetch(pid, thunk_t<F, A...>::id(), payload, options, giving_up));
}

}  // namespace detail

/// Calls `f` on process `pid`, waits, and returns its result. Takes one round trip, and leaves nothing on that process.
/// @throws RemoteException if the function threw, if its arguments could not be decoded, or if its result could not be
/// encoded.
template <class F, class... A>
auto remotecall_fetch(F f, Pid pid, A&&... arguments) -> detail::remote_result_t<F, A...> {
  if (pid == myid()) return detail::call_inline(f, std::forward<A>(arguments)...);
  Payload payload = detail::encode_call(f, arguments...);
  return detail::decode_result<detail::remote_result_t<F, A...>>(
      detail::call_fetch(pid, detail::thunk_t<F, A...>::id(), payload));
}

/// Does remotecall_fetch() with a deadline or a stop token: `remotecall_fetch({.deadline = 5s}, f, pid, args...)`. At
/// the deadline, or when a stop is requested, the call is cancelled, see Future::cancel(). A call to this process runs
/// on the calling thread: it does not begin if the deadline has passed; later its waits throw, and this call returns or
/// throws when the function ends.
/// @throws also TimeoutError, CancelledException.
template <class F, class... A>
auto remotecall_fetch(const WaitOptions& options, F f, Pid pid, A&&... arguments) -> detail::remote_result_t<F, A...> {
  return detail::fetch_within(detail::GivingUp::at_once, options, std::move(f), pid, std::forward<A>(arguments)...);
}

/// Calls `f` on process `pid` and returns at once; the result stays on that process until it is fetched.
template <class F, class... A>
auto remotecall(F f, Pid pid, A&&... arguments) -> Future<detail::remote_result_t<F, A...>> {
  using R = detail::remote_result_t<F, A...>;
  if (pid == myid()) return detail::call_here<R>(std::move(f), std::forward<A>(arguments)...);
  Payload payload = detail::encode_call(f, arguments...);
  return Future<R>(detail::call(pid, detail::thunk_t<F, A...>::id(), payload));
}

/// Calls `f` on process `pid` and waits until it has run; the result stays there. @throws as remotecall_fetch().
template <class F, class... A>
auto remotecall_wait(F f, Pid pid, A&&... arguments) -> Future<detail::remote_result_t<F, A...>> {
  auto future = remotecall(std::move(f), pid, std::forward<A>(arguments)...);
  future.wait();
  return future;
}

/// Does remotecall_wait() with a deadline or a stop token, and then cancels the call. @throws also TimeoutError,
/// CancelledException.
template <class F, class... A>
auto remotecall_wait(const WaitOptions& options, F f, Pid pid, A&&... arguments)
    -> Future<detail::remote_result_t<F, A...>> {
  if (pid == myid()) detail::WaitLimit(options).throw_if_reached();
  auto future = remotecall(std::move(f), pid, std::forward<A>(arguments)...);
  try {
    future.wait(options);
  } catch (...) {
    if (!future.is_ready()) future.cancel();
    throw;
  }
  return future;
}

/// Reports the error if the process is written first.
template <class F, class... A>
Future<detail::NoResult> remotecall(Pid, const F&, const A&...) {
  static_assert(sizeof(F) == 0, "cohort: the function comes first: remotecall(f, pid, ...); or spawnat(pid, f, ...)");
  return {};
}
/// Does remotecall_fetch() if the process is a number of another type, or the pool is of a derived type; otherwise
/// reports the error if the process is written first. It is one function, because for a wrong call the compiler lists
/// all functions of this name.
template <class F, class P, class... A>
auto remotecall_fetch(F f, const P& where, A&&... arguments) {
  if constexpr (std::is_convertible_v<P, Pid>) {
    return remotecall_fetch(std::move(f), static_cast<Pid>(where), std::forward<A>(arguments)...);
  } else if constexpr (std::is_base_of_v<WorkerPool, P>) {
    return remotecall_fetch(std::move(f), static_cast<const WorkerPool&>(where), std::forward<A>(arguments)...);
  } else {
    static_assert(sizeof(F) == 0,
                  "cohort: the function comes first: remotecall_fetch(f, pid, ...); or fetchfrom(pid, f, ...)");
    return detail::NoResult{};
  }
}

/// Calls `f` on process `pid`, and returns without waiting for an answer. An exception is printed on that process's
/// standard error.
template <class F, class... A>
void remote_do(F f, Pid pid, A&&... arguments) {
  static_assert(sizeof(detail::CallTraits<std::decay_t<F>, detail::serialized_as_t<A>...>) > 0);
  if (pid == myid()) return detail::do_here(std::move(f), std::forward<A>(arguments)...);
  Payload payload = detail::encode_call(f, arguments...);
  detail::call_do(pid, detail::thunk_t<F, A...>::id(), payload);
}

/// Does remotecall(), with the process as the first argument.
template <class F, class... A>
auto spawnat(Pid pid, F f, A&&... arguments) -> Future<detail::remote_result_t<F, A...>> {
  return remotecall(std::move(f), pid, std::forward<A>(arguments)...);
}
/// Does remotecall() on any worker: workers are used in turn.
template <class F, class... A>
auto spawnat(AnyWorker, F f, A&&... arguments) -> Future<detail::remote_result_t<F, A...>> {
  return remotecall(std::move(f), detail::next_worker(), std::forward<A>(arguments)...);
}

/// Does remotecall_fetch(), with the process as the first argument.
template <class F, class... A>
auto fetchfrom(Pid pid, F f, A&&... arguments) -> detail::remote_result_t<F, A...> {
  return remotecall_fetch(std::move(f), pid, std::forward<A>(arguments)...);
}

}  // namespace cohort
