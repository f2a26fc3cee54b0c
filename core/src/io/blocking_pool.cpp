#include "io/blocking_pool.hpp"

#include <utility>

namespace cohort {

BlockingPool::~BlockingPool() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void BlockingPool::run(std::function<void()> work) {
  std::lock_guard lock(mutex_);
  queue_.push_back(std::move(work));
  if (idle_ >= static_cast<int>(queue_.size()) || static_cast<int>(threads_.size()) >= limit_) {
    changed_.notify_one();
  } else {
    threads_.emplace_back([this] { main(); });
  }
}

void BlockingPool::main() {
  std::unique_lock lock(mutex_);
  for (;;) {
    idle_++;
    changed_.wait(lock, [this] { return stop_ || !queue_.empty(); });
    idle_--;
    if (queue_.empty()) return;
    auto work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
}

}  // namespace cohort
