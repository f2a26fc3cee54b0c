#pragma once

#include <exception>
#include <type_traits>
#include <utility>
#include <vector>

#include <cohort/detail/call_here.hpp>
#include <cohort/future.hpp>
#include <cohort/types.hpp>

namespace COHORT_EXPORT cohort {

/// Runs `f` in this process, on a thread of its pool; if it returns Task<R>, it runs as a coroutine. `f` may capture
/// anything. While it blocks in one of cohort's functions, others run, so thousands may be started.
/// @return the future of its result; an exception becomes a RemoteException of this process.
template <class F, class... A>
auto async(F&& f, A&&... arguments) {
  using Returned = std::invoke_result_t<std::decay_t<F>&, detail::serialized_as_t<A>...>;
  using R = typename detail::TaskResult<std::decay_t<Returned>>::type;
  return detail::call_here<R>(std::forward<F>(f), std::forward<A>(arguments)...);
}

/// Returns a future that becomes ready when the time has passed: `co_await after(1s)`, or `after(1s).wait()`, which
/// lets other functions run and can be interrupted.
Future<void> after(Duration duration);

namespace detail {

/// Collects what this thread starts while the object exists: async, remotecall, spawnat.
class SyncScope {
 public:
  SyncScope();
  ~SyncScope();
  SyncScope(const SyncScope&) = delete;
  SyncScope& operator=(const SyncScope&) = delete;
  /// Waits for all. @throws `first`, if nothing else failed; else CompositeException, in the order of their start.
  void finish(std::exception_ptr first);
  static void enlist(const FuturePtr& started);

 private:
  SyncScope* const outer_;
  std::vector<FuturePtr> started_;  // of the thread that made the scope
};

}  // namespace detail

/// Calls `body`, and waits for everything that it started: async, remotecall, spawnat, distributed_for.
/// @throws CompositeException if any of these failed; or what `body` itself throws; in both cases after all have ended.
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
