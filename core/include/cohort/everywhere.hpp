#pragma once

#include <concepts>
#include <functional>
#include <map>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <cohort/cluster.hpp>
#include <cohort/remotecall.hpp>

namespace COHORT_EXPORT cohort {

namespace detail {

/// Calls a function and discards its result, which therefore need not be of a type that can be sent. Waits for the end
/// of a coroutine.
template <class F>
struct Discarding {
  [[no_unique_address]] Portable<F> called;

  template <class... A>
  auto operator()(A&&... arguments) {
    if constexpr (is_task<std::decay_t<std::invoke_result_t<F&, A...>>>)
      return called.function(std::forward<A>(arguments)...);
    else
      static_cast<void>(called.function(std::forward<A>(arguments)...));
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(called);
  }
};

/// Sends the call to all other processes of `pids`, calls `here` as often as this process is listed, and waits for all.
/// @throws CompositeException
void call_everywhere(const std::vector<Pid>& pids, FunctionId function, const Payload& arguments,
                     const std::function<void()>& here);

/// Starts the call on each of `pids`, none of which is this process. Does not wait beyond `options` until it is sent.
std::vector<FuturePtr> start_on_each(const std::vector<Pid>& pids, FunctionId function, const Payload& arguments,
                                     const WaitOptions& options = {});
/// Waits until all are settled, however. Those that are not when `options` end the wait are cancelled, and fail with
/// TimeoutError or CancelledException. @throws InterruptedException; the calls are cancelled then.
void wait_for_each(const std::vector<FuturePtr>& calls, const WaitOptions& options);

}  // namespace detail

/// Runs `f` on these processes, on all at the same time, waits until it has run on all of them, and discards the
/// results. The arguments are encoded once. A process that is listed twice runs it twice. In this process it runs last,
/// on the calling thread. Workers that are added later do not run it: see load_module() and set_value().
/// @throws CompositeException of RemoteException and ProcessExitedException, in the order of `pids`.
template <class F, class... A>
void everywhere(const std::vector<Pid>& pids, F f, const A&... arguments) {
  // Reports errors in one sentence, as for any call; but the result need not be of a type that can be sent.
  if constexpr (detail::check_function<std::decay_t<F>>() &&
                (... && detail::check_value<detail::serialized_as_t<A>>()) &&
                detail::check_arguments_fit<std::decay_t<F>, detail::serialized_as_t<A>...>()) {
    detail::check_numbers_fit<std::decay_t<F>>(arguments...);
    detail::Discarding<std::decay_t<F>> call{{f}};
    const Payload payload = detail::encode_call(call, arguments...);
    detail::call_everywhere(pids, detail::thunk_t<decltype(call), A...>::id(), payload, [&] {
      std::tuple<detail::serialized_as_t<A>...> copies(arguments...);
      std::apply([&](auto&... copy) { detail::call_inline(call, std::move(copy)...); }, copies);
    });
  }
}

/// Calls `f` on these processes, on all at the same time, waits until it has ended on all of them, and returns what
/// came of it: for each process a future that is ready, with its result or its error. The arguments are encoded once.
///
///     for (auto& [pid, free] : cohort::fetch_all(cohort::workers(), cohort::fn<free_memory>))
///       std::printf("worker %d: %zu\n", pid, free.fetch());   // throws if it failed there
///
/// A process that is listed twice is called once. @throws InterruptedException if the waiting function is interrupted;
/// errors of `f`, and of processes that end, are in the futures.
template <class F, class... A>
auto fetch_all(const std::vector<Pid>& pids, F f, const A&... arguments) {
  return fetch_all(WaitOptions{}, pids, std::move(f), arguments...);
}
/// Does fetch_all() with a deadline or a stop token: calls that have not ended then are cancelled, and their futures
/// fail with TimeoutError or CancelledException.
template <class F, class... A>
auto fetch_all(const WaitOptions& options, const std::vector<Pid>& pids, F f, const A&... arguments) {
  using Result = detail::remote_result_t<F, A...>;
  std::map<Pid, Future<Result>> results;
  if constexpr (detail::can_call<F, A...>) {
    detail::check_not_null(f);
    detail::check_numbers_fit<F>(arguments...);
    for (const Pid pid : pids) results[pid];
    const Pid self = myid();
    std::vector<Pid> others;
    for (const auto& [pid, result] : results) {
      if (pid != self) others.push_back(pid);
    }
    auto calls =
        detail::start_on_each(others, detail::thunk_t<F, A...>::id(), detail::encode_call(f, arguments...), options);
    for (std::size_t i = 0; i < others.size(); i++) results[others[i]] = Future<Result>(calls[i]);
    if (const auto own = results.find(self); own != results.end()) {
      own->second = detail::call_here<Result>(f, arguments...);
      calls.push_back(detail::state_of(own->second));
    }
    detail::wait_for_each(calls, options);
  }
  return results;
}

namespace detail {

/// Runs a function on the first of some processes, which is this one, and on two halves of the others, whose results
/// it reduces.
template <class Op, class F>
struct TreeReduction {
  [[no_unique_address]] Portable<Op> op;
  [[no_unique_address]] Portable<F> called;

  template <class... A>
  auto operator()(const std::vector<Pid>& pids, const A&... arguments) -> remote_result_t<F, A...> {
    using Result = remote_result_t<F, A...>;
    std::vector<Future<Result>> halves;
    try {
      const auto middle = pids.begin() + 1 + static_cast<std::ptrdiff_t>(pids.size() / 2);
      for (const auto& half : {std::vector<Pid>(pids.begin() + 1, middle), std::vector<Pid>(middle, pids.end())})
        if (!half.empty()) halves.push_back(remotecall(*this, half.front(), half, arguments...));
      Result result = call_inline(called.function, arguments...);
      for (auto& half : halves) result = op.function(std::move(result), half.get());
      return result;
    } catch (...) {
      for (const auto& half : halves)
        if (half.valid()) half.cancel();
      throw;
    }
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(op, called);
  }
};

}  // namespace detail

/// Calls `f` on these processes, on all at the same time, and reduces the results to one by `op`, which must be
/// associative: op(op(r1, r2), r3) ..., in the order of `pids`. The processes call each other along a binary tree, so
/// that the caller handles one result, and waits for about log2(n) messages, however many they are. They must be able
/// to call each other: see AddprocsOptions::topology and unconnected.
///
///     const std::size_t all_free = cohort::fetch_reduce(std::plus<>(), cohort::workers(), cohort::fn<free_memory>);
///
/// @throws Error if there is no process; as remotecall_fetch() if one fails.
template <class Op, class F, class... A>
auto fetch_reduce(Op op, const std::vector<Pid>& pids, F f, const A&... arguments) -> detail::remote_result_t<F, A...> {
  using Result = detail::remote_result_t<F, A...>;
  if constexpr (!detail::can_call<F, A...>) {
    return Result{};
  } else {
    static_assert(!std::is_void_v<Result>, "cohort: fetch_reduce needs a function that returns a value");
    if (pids.empty()) throw Error("fetch_reduce: there is no process to call");
    detail::check_not_null(f);
    return remotecall_fetch(detail::TreeReduction<Op, std::decay_t<F>>{{std::move(op)}, {std::move(f)}}, pids.front(),
                            pids, arguments...);
  }
}

/// Runs `f` in the same way on all processes, including the master.
template <class F, class... A>
requires(!std::convertible_to<F, const std::vector<Pid>&>) void everywhere(F f, const A&... arguments) {
  everywhere(procs(), std::move(f), arguments...);
}

}  // namespace cohort
