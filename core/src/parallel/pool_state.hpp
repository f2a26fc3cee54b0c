#pragma once

#include <list>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include <cohort/detail/mutex.hpp>
#include <cohort/types.hpp>
#include <cohort/wait_options.hpp>

#include "base/pruning.hpp"
#include "io/reactor.hpp"
#include "parallel/function_table.hpp"

namespace cohort {

class Router;

namespace detail {

/// An observer of changes of the workers of a pool.
class PoolObserver {
 public:
  virtual ~PoolObserver();
  /// Any thread; short.
  virtual void on_pool_changed() noexcept = 0;
};

/// The workers of one WorkerPool, and which of them are taken. Thread-safe.
class PoolState {
 public:
  /// The pool that follows the membership. @param self stands in where there is no worker.
  explicit PoolState(Pid self) : self_(self), follows_(true) {}
  /// A pool of some workers. @param functions for a pool that sends each function only once to each worker; else null.
  PoolState(Pid self, const std::vector<Pid>& workers, std::unique_ptr<FunctionTable> functions);

  /// Adds workers that have joined, and removes workers that are gone.
  /// @param tell observers are told in any case.
  void refresh(Router& router, bool tell = false);

  /// @throws Error "No active worker available in pool", TimeoutError, CancelledException, InterruptedException.
  Pid take(const WaitOptions& options);
  void wait(const WaitOptions& options);
  void put(Pid pid);
  void push(Pid pid);
  bool has_free() const;
  /// Whether it has all workers, also those that join later.
  bool follows() const { return follows_; }
  /// How many wait in take().
  std::size_t callers() const;
  std::vector<Pid> workers() const;
  std::size_t size() const;
  FunctionTable* functions() { return functions_.get(); }
  void observe(std::weak_ptr<PoolObserver> observer);

 private:
  struct Taker : Completion {
    // Guarded by the pool's mutex_.
    Pid pid = no_pid;
    std::optional<std::list<std::shared_ptr<Taker>>::iterator> place;  // where it waits
  };
  /// A worker of the pool, and its place in free_ unless it is taken.
  struct Member {
    std::optional<std::list<Pid>::iterator> free;
  };
  bool add(Pid pid) COHORT_REQUIRES(mutex_);
  void forget(Pid pid) COHORT_REQUIRES(mutex_);
  Pid take_free() COHORT_REQUIRES(mutex_);
  std::shared_ptr<Taker> give(Pid pid, bool first) COHORT_REQUIRES(mutex_);
  std::vector<std::shared_ptr<PoolObserver>> observers() COHORT_REQUIRES(mutex_);

  const Pid self_;
  const bool follows_;
  const std::unique_ptr<FunctionTable> functions_;
  mutable Mutex mutex_;                                  // taken before the master's, never with the reactor's
  std::vector<Pid> in_order_ COHORT_GUARDED_BY(mutex_);  // the members, as they came
  std::unordered_map<Pid, Member> members_ COHORT_GUARDED_BY(mutex_);
  std::list<Pid> free_ COHORT_GUARDED_BY(mutex_);  // of the members, in the order of their return
  std::list<std::shared_ptr<Taker>> takers_ COHORT_GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<PoolObserver>> observers_ COHORT_GUARDED_BY(mutex_);
  Pruning prune_observers_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace detail
}  // namespace cohort
