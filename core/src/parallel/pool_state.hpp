#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <cohort/types.hpp>
#include <cohort/wait_options.hpp>

#include "io/reactor.hpp"
#include "parallel/function_table.hpp"

namespace cohort {

class Router;

namespace detail {

/// Somebody who wants to know when the workers of a pool change.
class PoolObserver {
 public:
  virtual ~PoolObserver();
  /// Any thread; short.
  virtual void on_pool_changed() noexcept = 0;
};

/// The workers that one WorkerPool names, and which of them are taken. Thread-safe.
class PoolState {
 public:
  /// The pool that follows the membership. @param self stands in where there is no worker.
  explicit PoolState(Pid self) : self_(self), follows_(true) {}
  /// A pool of some workers. @param functions where a function goes only once to each of them; may be null.
  PoolState(Pid self, const std::vector<Pid>& workers, std::unique_ptr<FunctionTable> functions);

  /// Takes in who has joined, and forgets who has gone.
  void refresh(Router& router);

  /// @throws Error "No active worker available in pool", TimeoutError, CancelledException, InterruptedException.
  Pid take(const WaitOptions& options);
  void wait(const WaitOptions& options);
  void put(Pid pid);
  void push(Pid pid);
  bool has_free() const;
  std::vector<Pid> workers() const;
  FunctionTable* functions() { return functions_.get(); }
  void observe(std::weak_ptr<PoolObserver> observer);

 private:
  struct Taker : Completion {
    Pid pid = no_pid;  // guarded by the pool's mutex_
  };
  using Lock = std::unique_lock<std::mutex>;
  Pid take_free();
  std::shared_ptr<Taker> give(Pid pid, bool first);
  void tell(Lock& lock);

  const Pid self_;
  const bool follows_;
  const std::unique_ptr<FunctionTable> functions_;
  mutable std::mutex mutex_;  // guards all below; taken before the master's, never with the reactor's
  std::vector<Pid> members_;  // in the order they came
  std::deque<Pid> free_;      // of members_, in the order of their return
  std::deque<std::shared_ptr<Taker>> takers_;
  std::vector<std::weak_ptr<PoolObserver>> observers_;
};

}  // namespace detail
}  // namespace cohort
