#pragma once

#include <exception>
#include <type_traits>
#include <utility>
#include <vector>

#include <cohort/detail/call_here.hpp>
#include <cohort/future.hpp>
#include <cohort/types.hpp>

namespace cohort {

/// Runs `f` in this process, on a thread of its pool; a function that returns Task<R> as a coroutine. It may capture
/// what it likes. Blocking in cohort's functions lets others run, so it may be done by the thousand.
/// @return the future of its result; what it throws is a RemoteException of this process.
template <class F, class... A>
auto async(F&& f, A&&... arguments) {
  using Returned = std::invoke_result_t<std::decay_t<F>&, detail::serialized_as_t<A>...>;
  using R = typename detail::TaskResult<std::decay_t<Returned>>::type;
  return detail::call_here<R>(std::forward<F>(f), std::forward<A>(arguments)...);
}

/// Ready when the time has passed: `co_await after(1s)`, or `after(1s).wait()`, which gives way to other functions and
/// can be interrupted.
Future<void> after(Duration duration);

namespace detail {

/// What the thread starts while it exists: async, remotecall, spawnat.
class SyncScope {
 public:
  SyncScope();
  ~SyncScope();
  SyncScope(const SyncScope&) = delete;
  SyncScope& operator=(const SyncScope&) = delete;
  /// Waits for all of it. @throws `first`, if nothing else failed; else CompositeException in the order of their start.
  void finish(std::exception_ptr first);
  static void enlist(const FuturePtr& started);

 private:
  SyncScope* const outer_;
  std::vector<FuturePtr> started_;  // of the thread that made the scope
};

}  // namespace detail

/// Calls `body` and waits for everything that it started: async, remotecall, spawnat, distributed_for.
/// @throws CompositeException when any of that failed, once all has ended; what body itself throws, likewise.
template <class F>
void sync(F&& body) {
  detail::SyncScope scope;
  std::exception_ptr failure;
  try {
    std::forward<F>(body)();
  } catch (...) {
    failure = std::current_exception();
  }
  scope.finish(failure);
}

}  // namespace cohort
