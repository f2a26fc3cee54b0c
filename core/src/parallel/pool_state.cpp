#include "parallel/pool_state.hpp"

#include <algorithm>
#include <utility>

#include <cohort/error.hpp>

#include "membership/router.hpp"
#include "remote/call_context.hpp"

namespace cohort::detail {

PoolObserver::~PoolObserver() = default;

PoolState::PoolState(Pid self, const std::vector<Pid>& workers, std::unique_ptr<FunctionTable> functions)
    : self_(self), follows_(false), functions_(std::move(functions)) {
  for (const Pid pid : workers) {
    if (add(pid)) give(pid, false);
  }
}

// The new member is not free yet.
bool PoolState::add(Pid pid) {
  if (!members_.try_emplace(pid).second) return false;
  in_order_.push_back(pid);
  return true;
}

// The caller takes it out of in_order_.
void PoolState::forget(Pid pid) {
  const auto member = members_.find(pid);
  if (member->second.free) free_.erase(*member->second.free);
  members_.erase(member);
}

void PoolState::refresh(Router& router, bool tell) {
  MutexLock lock(mutex_);
  const auto processes = router.processes();  // under the lock, so that the newest answer is the last one taken in
  bool changed = std::erase_if(in_order_, [&](Pid pid) COHORT_REQUIRES(mutex_) {
                   const bool gone = !std::binary_search(processes.begin(), processes.end(), pid);
                   if (gone) forget(pid);
                   return gone;
                 }) > 0;
  std::vector<std::shared_ptr<Taker>> served;
  if (follows_) {
    for (const Pid pid : processes) {
      if (pid == master_pid || !add(pid)) continue;
      if (auto taker = give(pid, false)) served.push_back(std::move(taker));
      changed = true;
    }
  }
  if (members_.empty()) {  // those who wait find that out by themselves
    for (auto& taker : takers_) {
      taker->place.reset();
      served.push_back(std::move(taker));
    }
    takers_.clear();
  }
  std::vector<std::shared_ptr<PoolObserver>> told;
  if (changed || tell) told = observers();
  lock.unlock();
  for (const auto& observer : told) observer->on_pool_changed();
  for (auto& taker : served) router.reactor().complete(std::move(taker));
}

// Those that are to be told, without the lock, that the workers have changed.
std::vector<std::shared_ptr<PoolObserver>> PoolState::observers() {
  std::vector<std::shared_ptr<PoolObserver>> there;
  std::erase_if(observers_, [&](const auto& weak) {
    auto observer = weak.lock();
    if (observer != nullptr) there.push_back(observer);
    return observer == nullptr;
  });
  return there;
}

// no_pid: there is none.
Pid PoolState::take_free() {
  if (free_.empty()) {
    if (members_.empty() && follows_) return self_;
    if (members_.empty()) throw Error("No active worker available in pool", ErrorKind::disconnected);
    return no_pid;
  }
  const Pid pid = free_.front();
  free_.pop_front();
  members_.at(pid).free.reset();
  return pid;
}

// Returns the taker to complete once it is released.
std::shared_ptr<PoolState::Taker> PoolState::give(Pid pid, bool first) {
  if (!takers_.empty()) {
    auto taker = std::move(takers_.front());
    takers_.pop_front();
    taker->place.reset();
    taker->pid = pid;
    return taker;
  }
  members_.at(pid).free = free_.insert(first ? free_.begin() : free_.end(), pid);
  return nullptr;
}

Pid PoolState::take(const WaitOptions& options) {
  MutexLock lock(mutex_);
  for (;;) {
    if (const Pid pid = take_free(); pid != no_pid) return pid;
    auto taker = std::make_shared<Taker>();
    taker->place = takers_.insert(takers_.end(), taker);
    lock.unlock();
    try {
      wait_interruptibly(CurrentNode::get().router->reactor(), *taker, options, "a free worker for process", self_);
    } catch (...) {
      lock.lock();
      if (taker->place) takers_.erase(*taker->place);
      const Pid given = std::exchange(taker->pid, no_pid);
      lock.unlock();
      if (given != no_pid) put(given);
      throw;
    }
    lock.lock();
    if (taker->pid != no_pid && members_.contains(taker->pid)) return taker->pid;
  }
}

void PoolState::wait(const WaitOptions& options) {
  const Pid pid = take(options);
  MutexLock lock(mutex_);
  const auto member = members_.find(pid);
  if (member == members_.end() || member->second.free) return;
  auto taker = give(pid, true);
  lock.unlock();
  if (taker != nullptr) CurrentNode::get().router->reactor().complete(std::move(taker));
}

void PoolState::put(Pid pid) {
  MutexLock lock(mutex_);
  const auto member = members_.find(pid);
  if (member == members_.end() || member->second.free) return;
  auto taker = give(pid, false);
  lock.unlock();
  if (taker != nullptr) CurrentNode::get().router->reactor().complete(std::move(taker));
}

void PoolState::push(Pid pid) {
  MutexLock lock(mutex_);
  if (!add(pid)) return;
  auto taker = give(pid, false);
  const auto told = observers();
  lock.unlock();
  for (const auto& observer : told) observer->on_pool_changed();
  if (taker != nullptr) CurrentNode::get().router->reactor().complete(std::move(taker));
}

std::size_t PoolState::callers() const {
  MutexLock lock(mutex_);
  return takers_.size();
}

bool PoolState::has_free() const {
  MutexLock lock(mutex_);
  return !free_.empty() || (follows_ && members_.empty());
}

std::vector<Pid> PoolState::workers() const {
  MutexLock lock(mutex_);
  if (follows_ && members_.empty()) return {self_};
  return in_order_;
}

std::size_t PoolState::size() const {
  MutexLock lock(mutex_);
  return follows_ && members_.empty() ? 1 : members_.size();
}

void PoolState::observe(std::weak_ptr<PoolObserver> observer) {
  MutexLock lock(mutex_);
  prune_observers_.erase_expired(observers_, [](const auto& weak) { return weak.expired(); });
  observers_.push_back(std::move(observer));
}

}  // namespace cohort::detail
