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

namespace cohort {

namespace detail {
class PoolState;
}
const std::shared_ptr<detail::PoolState>& pool_state(const WorkerPool& pool);

/// Workers that calls share: each takes a free one, the one that came back first, and puts it back. A worker that is
/// gone is never handed out. Copies are handles on the same pool. A pool lives in its process: it cannot be sent to
/// another. Any thread.
class WorkerPool {
 public:
  explicit WorkerPool(const std::vector<Pid>& workers);
  explicit WorkerPool(std::shared_ptr<detail::PoolState> state) : state_(std::move(state)) {}
  // No moves: there is no pool without workers behind it.
  WorkerPool(const WorkerPool&) = default;
  WorkerPool& operator=(const WorkerPool&) = default;

  /// Waits for a free worker and takes it. The default pool gives this process while there is no worker.
  /// @throws Error "No active worker available in pool" all are gone; TimeoutError, CancelledException.
  Pid take(const WaitOptions& options = {}) const;
  /// Ignored for a process that is not of the pool.
  void put(Pid pid) const;
  /// Adds a worker.
  void push(Pid pid) const;
  /// Waits until take() would not.
  void wait(const WaitOptions& options = {}) const;
  /// Whether take() would not wait.
  bool isready() const;
  /// All of them, free or taken, in the order they were added.
  std::vector<Pid> workers() const;
  std::size_t length() const;

 private:
  friend const std::shared_ptr<detail::PoolState>& pool_state(const WorkerPool& pool);
  std::shared_ptr<detail::PoolState> state_;
};

/// A pool to whose workers the values that a function captured are sent once, however often it is called: what has the
/// same content is there already. They are freed by clear(), and when the last handle on the pool is gone.
class CachingPool : public WorkerPool {
 public:
  explicit CachingPool(const std::vector<Pid>& workers);
};
/// Frees what the workers keep. The pool can be used on.
void clear(const CachingPool& pool);

/// All workers of the cluster, whoever comes and goes. One in each process, with its own notion of who is free.
WorkerPool default_worker_pool();
/// Replaces it.
void default_worker_pool(const WorkerPool& pool);

namespace detail {

bool keeps_functions(const WorkerPool& pool);
/// Has the function sent to `worker` if it is not there. Of a pool that keeps functions.
FunctionKey send_function_once(const WorkerPool& pool, Pid worker, const PortableFunction& function);

/// A worker taken from a pool for a while.
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

/// Calls what was sent before.
template <class F>
struct CallKept {
  template <class... A>
  auto operator()(FunctionKey function, A&&... arguments) const -> remote_result_t<F, A...> {
    const auto call = callable<F>(kept_function(function, typeid(F)));
    return static_cast<remote_result_t<F, A...>>(call(std::forward<A>(arguments)...));
  }
};

/// `call(f', pid, arguments...)`, where f' is f itself, or names it at a worker that has it.
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

/// remotecall_fetch on a worker of the pool, which is waited for, and put back in the end.
template <class F, class... A>
auto remotecall_fetch(F f, const WorkerPool& pool, A&&... arguments) -> detail::remote_result_t<F, A...> {
  const detail::Lease lease(pool);
  const auto call = [](auto g, Pid pid, auto&&... a) {
    return remotecall_fetch(std::move(g), pid, std::forward<decltype(a)>(a)...);
  };
  return detail::call_on(pool, lease.pid(), std::move(f), call, std::forward<A>(arguments)...);
}

/// remotecall on a worker of the pool, which is waited for, and put back when the result is ready.
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

/// remotecall_wait on a worker of the pool.
template <class F, class... A>
auto remotecall_wait(F f, const WorkerPool& pool, A&&... arguments) -> Future<detail::remote_result_t<F, A...>> {
  auto future = remotecall(std::move(f), pool, std::forward<A>(arguments)...);
  future.wait();
  return future;
}

/// remote_do on a worker of the pool, which is waited for, and put back at once.
template <class F, class... A>
void remote_do(F f, const WorkerPool& pool, A&&... arguments) {
  const detail::Lease lease(pool);
  const auto call = [](auto g, Pid pid, auto&&... a) { remote_do(std::move(g), pid, std::forward<decltype(a)>(a)...); };
  detail::call_on(pool, lease.pid(), std::move(f), call, std::forward<A>(arguments)...);
}

/// The function that runs `f` on a free worker of `pool` and waits for what it returns.
template <class F>
auto remote(F f, WorkerPool pool) {
  return [f = std::move(f), pool = std::move(pool)]<class... A>(A&&... arguments) {
    return remotecall_fetch(f, pool, std::forward<A>(arguments)...);
  };
}
/// The same with the default pool.
template <class F>
auto remote(F f) {
  return remote(std::move(f), default_worker_pool());
}

}  // namespace cohort
