#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "base/pruning.hpp"
#include "parallel/function_cache.hpp"
#include "parallel/pool_state.hpp"

namespace cohort {

/// What the parallel room keeps for one node. Thread-safe.
class ParallelState {
 public:
  FunctionCache& functions() { return functions_; }
  /// The pool of all workers, made at its first use.
  std::shared_ptr<detail::PoolState> default_pool(Router& router);
  void set_default_pool(std::shared_ptr<detail::PoolState> pool);

  /// Tells `pool` of every change among the processes, for as long as it lives.
  void watch(const std::shared_ptr<detail::PoolState>& pool);
  void membership_changed(Router& router);

 private:
  FunctionCache functions_;
  std::mutex mutex_;  // guards all below; taken before a pool's
  std::vector<std::weak_ptr<detail::PoolState>> pools_;
  Pruning prune_pools_;
  std::shared_ptr<detail::PoolState> default_pool_;
};

}  // namespace cohort
