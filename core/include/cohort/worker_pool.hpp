#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include <cohort/detail/function_ref.hpp>
#include <cohort/remotecall.hpp>
#include <cohort/wait_options.hpp>

namespace cohort::detail {
class PoolState;
}

namespace COHORT_EXPORT cohort {

const std::shared_ptr<detail::PoolState>& pool_state(const WorkerPool& pool);

/// Workers that are shared by several calls: each call takes a free worker, and puts it back. take() returns the worker
/// that was put back first, and never one that is gone. Copies are handles on the same pool. A pool cannot be sent to
/// another process. Any thread may use it.
class WorkerPool {
 public:
  explicit WorkerPool(const std::vector<Pid>& workers);
  explicit WorkerPool(std::shared_ptr<detail::PoolState> state) : state_(std::move(state)) {}
  // Not movable: there is no empty handle.
  WorkerPool(const WorkerPool&) = default;
  WorkerPool& operator=(const WorkerPool&) = default;

  /// Waits for a free worker and takes it. The default pool returns this process while there are no workers.
  /// @throws Error "No active worker available in pool" if all are gone; TimeoutError, CancelledException.
  Pid take(const WaitOptions& options = {}) const;
  /// Puts a worker back. Does nothing if the process is not in the pool.
  void put(Pid pid) const;
  /// Adds a worker.
  void push(Pid pid) const;
  /// Waits until there is a free worker.
  void wait(const WaitOptions& options = {}) const;
  /// Whether take() would return without waiting.
  bool is_ready() const;
  /// All workers of the pool, free or taken, in the order in which they were added.
  std::vector<Pid> workers() const;
  std::size_t length() const;

 private:
  friend const std::shared_ptr<detail::PoolState>& pool_state(const WorkerPool& pool);
  std::shared_ptr<detail::PoolState> state_;
};

/// A pool that sends the captured values of a function only once to each worker, however often the function is called.
/// Values of equal content are the same. They are freed by clear(), and when the last handle on the pool is gone.
class CachingPool : public WorkerPool {
 public:
  explicit CachingPool(const std::vector<Pid>& workers);
};
/// Frees the captured values at the workers. The pool can still be used.
void clear(const CachingPool& pool);

/// A pool of all workers of the cluster, which follows the membership. Each process has its own, and knows only which
/// workers are free in its own pool.
WorkerPool default_worker_pool();
/// Replaces the default pool of this process.
void default_worker_pool(const WorkerPool& pool);

namespace detail {

bool keeps_functions(const WorkerPool& pool);
/// Sends the function to `worker` if it is not there. For a pool that keeps functions.
FunctionKey send_function_once(const WorkerPool& pool, Pid worker, const PortableFunction& function);

/// Takes a worker from a pool, and puts it back in its destructor.
class Lease {
 public:
  explicit Lease(const WorkerPool& pool) : pool_(pool), pid_(pool.take()) {}
  ~Lease() { pool_.put(pid_); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  Pid pid() const { return pid_; }

 private:
  const WorkerPool pool_;
  const Pid pid_;
};

/// Calls a function that was sent before.
template <class F>
struct CallKept {
  template <class... A>
  auto operator()(FunctionKey function, A&&... arguments) const -> remote_result_t<F, A...> {
    const auto call = callable<F>(kept_function(function, typeid(F)));
    return static_cast<remote_result_t<F, A...>>(call(std::forward<A>(arguments)...));
  }
};

/// Calls `call(f', pid, arguments...)`, where f' is f itself, or its name at a worker that already has it.
template <class F, class Call, class... A>
auto call_on(const WorkerPool& pool, Pid pid, F&& f, Call&& call, A&&... arguments) {
  using Function = std::decay_t<F>;
  if constexpr (FunctorByValue<Function>) {
    if (pid != myid() && keeps_functions(pool)) {
      const auto key = send_function_once(pool, pid, portable(std::make_shared<const Function>(f)));
      return call(CallKept<Function>{}, pid, key, std::forward<A>(arguments)...);
    }
  }
  return call(std::forward<F>(f), pid, std::forward<A>(arguments)...);
}

}  // namespace detail

/// Waits for a free worker of the pool, does remotecall_fetch() on it, and puts it back.
template <class F, class... A>
auto remotecall_fetch(F f, const WorkerPool& pool, A&&... arguments) -> detail::remote_result_t<F, A...> {
  const detail::Lease lease(pool);
  const auto call = [](auto g, Pid pid, auto&&... a) {
    return remotecall_fetch(std::move(g), pid, std::forward<decltype(a)>(a)...);
  };
  return detail::call_on(pool, lease.pid(), std::move(f), call, std::forward<A>(arguments)...);
}

/// Waits for a free worker of the pool, does remotecall() on it, and puts it back when the result is ready.
template <class F, class... A>
auto remotecall(F f, const WorkerPool& pool, A&&... arguments) -> Future<detail::remote_result_t<F, A...>> {
  auto lease = std::make_shared<const detail::Lease>(pool);
  const auto call = [](auto g, Pid pid, auto&&... a) {
    return remotecall(std::move(g), pid, std::forward<decltype(a)>(a)...);
  };
  auto future = detail::call_on(pool, lease->pid(), std::move(f), call, std::forward<A>(arguments)...);
  detail::future_on_ready(*detail::state_of(future), [lease]() mutable { lease.reset(); });
  return future;
}

/// Waits for a free worker of the pool, does remotecall_wait() on it, and puts it back when the result is ready.
template <class F, class... A>
auto remotecall_wait(F f, const WorkerPool& pool, A&&... arguments) -> Future<detail::remote_result_t<F, A...>> {
  auto future = remotecall(std::move(f), pool, std::forward<A>(arguments)...);
  future.wait();
  return future;
}

/// Waits for a free worker of the pool, does remote_do() on it, and puts it back at once.
template <class F, class... A>
void remote_do(F f, const WorkerPool& pool, A&&... arguments) {
  const detail::Lease lease(pool);
  const auto call = [](auto g, Pid pid, auto&&... a) { remote_do(std::move(g), pid, std::forward<decltype(a)>(a)...); };
  detail::call_on(pool, lease.pid(), std::move(f), call, std::forward<A>(arguments)...);
}

/// Returns a function that calls `f` on a free worker of `pool`, waits, and returns the result.
template <class F>
auto remote(F f, WorkerPool pool) {
  return [f = std::move(f), pool = std::move(pool)]<class... A>(A&&... arguments) {
    return remotecall_fetch(f, pool, std::forward<A>(arguments)...);
  };
}
/// Returns such a function for the default pool.
template <class F>
auto remote(F f) {
  return remote(std::move(f), default_worker_pool());
}

}  // namespace cohort
