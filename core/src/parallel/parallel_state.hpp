#pragma once

#include <memory>
#include <vector>

#include <cohort/detail/mutex.hpp>

#include "base/pruning.hpp"
#include "parallel/function_cache.hpp"
#include "parallel/map_progress.hpp"
#include "parallel/pool_state.hpp"

namespace cohort {

/// The state of the component `parallel` for one node. Thread-safe.
class ParallelState {
 public:
  FunctionCache& functions() { return functions_; }
  /// The pool of all workers, made at its first use.
  std::shared_ptr<detail::PoolState> default_pool(Router& router);
  void set_default_pool(std::shared_ptr<detail::PoolState> pool);

  /// Informs `pool` of every change of the membership, as long as the pool lives.
  void watch(const std::shared_ptr<detail::PoolState>& pool);
  /// Calls that wait for a worker of the default pool.
  std::size_t callers_of_default_pool();

  /// A map over all workers, until it is destroyed.
  void add_map(const std::shared_ptr<const MapProgress>& map);
  std::vector<std::shared_ptr<const MapProgress>> maps();

  void membership_changed(Router& router, bool tell_all);

 private:
  FunctionCache functions_;
  detail::Mutex mutex_;  // taken before a pool's
  std::vector<std::weak_ptr<detail::PoolState>> pools_ COHORT_GUARDED_BY(mutex_);
  Pruning prune_pools_ COHORT_GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<const MapProgress>> maps_ COHORT_GUARDED_BY(mutex_);
  Pruning prune_maps_ COHORT_GUARDED_BY(mutex_);
  std::shared_ptr<detail::PoolState> default_pool_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort
