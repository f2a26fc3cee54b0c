#include "parallel/parallel_state.hpp"

#include "membership/router.hpp"

namespace cohort {

std::shared_ptr<detail::PoolState> ParallelState::default_pool(Router& router) {
  refuse_without_cluster(router);
  detail::MutexLock lock(mutex_);
  if (default_pool_ == nullptr) {
    default_pool_ = std::make_shared<detail::PoolState>(router.self());
    pools_.push_back(default_pool_);
    default_pool_->refresh(router);  // under the lock: nobody else is to see it empty
  }
  return default_pool_;
}

void ParallelState::set_default_pool(std::shared_ptr<detail::PoolState> pool) {
  detail::MutexLock lock(mutex_);
  default_pool_.swap(pool);
}

void ParallelState::watch(const std::shared_ptr<detail::PoolState>& pool) {
  detail::MutexLock lock(mutex_);
  prune_pools_.erase_expired(pools_, [](const auto& weak) { return weak.expired(); });
  pools_.push_back(pool);
}

std::size_t ParallelState::callers_of_default_pool() {
  detail::MutexLock lock(mutex_);
  return default_pool_ != nullptr && default_pool_->follows() ? default_pool_->callers() : 0;
}

void ParallelState::add_map(const std::shared_ptr<const MapProgress>& map) {
  detail::MutexLock lock(mutex_);
  prune_maps_.erase_expired(maps_, [](const auto& weak) { return weak.expired(); });
  maps_.push_back(map);
}

std::vector<std::shared_ptr<const MapProgress>> ParallelState::maps() {
  std::vector<std::shared_ptr<const MapProgress>> there;
  detail::MutexLock lock(mutex_);
  for (const auto& weak : maps_) {
    if (auto map = weak.lock()) there.push_back(std::move(map));
  }
  return there;
}

void ParallelState::membership_changed(Router& router, bool tell_all) {
  std::vector<std::shared_ptr<detail::PoolState>> pools;
  {
    detail::MutexLock lock(mutex_);
    for (const auto& weak : pools_) {
      if (auto pool = weak.lock()) pools.push_back(std::move(pool));
    }
  }
  for (const auto& pool : pools) pool->refresh(router, tell_all);
  functions_.drop_owners_that([&router](Pid owner) { return router.is_gone(owner); });
}

}  // namespace cohort
