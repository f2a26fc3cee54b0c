#include "io/blocking_pool.hpp"

#include <system_error>
#include <utility>

#include <cohort/error.hpp>

#include "base/log.hpp"

namespace cohort {

void BlockingPool::start_thread() {
  try {
    threads_.emplace_back([this] { main(); });
    alive_++;
  } catch (const std::system_error&) {
    throw Error(
        "no thread can be started: the limit of processes (ulimit -u), of memory (ulimit -v) or of this container is "
        "reached",
        ErrorKind::overloaded);
  }
}

void BlockingPool::start_first_thread() {
  detail::MutexLock lock(mutex_);
  if (threads_.empty() && !stop_) start_thread();
}

void BlockingPool::stop() {
  std::vector<std::thread> threads;
  {
    detail::MutexLock lock(mutex_);
    stop_ = true;
    threads.swap(threads_);
  }
  changed_.notify_all();
  for (auto& thread : threads) thread.join();
}

void BlockingPool::run(std::function<void()> work) {
  detail::MutexLock lock(mutex_);
  // While the threads are joined there must not come new ones; the thread that calls, if it is one of them, goes on
  // with this.
  if (stop_ && alive_ == 0) throw Error("the process leaves the cluster", ErrorKind::disconnected);
  const bool no_more = stop_ || static_cast<int>(threads_.size()) >= limit_;
  if (!no_more && static_cast<int>(threads_.size()) - busy_ <= static_cast<int>(queue_.size())) {
    try {
      start_thread();
    } catch (const Error&) {  // else those that there are come to it later
      if (threads_.empty()) throw;
    }
  }
  queue_.push_back(std::move(work));
  changed_.notify_one();
}

bool BlockingPool::wait_until_idle(Clock::time_point deadline) {
  detail::MutexLock lock(mutex_);
  while (!queue_.empty() || busy_ != 0) {
    if (Clock::now() >= deadline) return false;
    idle_changed_.wait_until(mutex_, deadline);
  }
  return true;
}

std::size_t BlockingPool::threads() {
  detail::MutexLock lock(mutex_);
  return threads_.size();
}

void BlockingPool::main() noexcept {
  if (at_start_) at_start_();
  detail::MutexLock lock(mutex_);
  for (;;) {
    while (!stop_ && queue_.empty()) changed_.wait(mutex_);
    if (queue_.empty()) {
      alive_--;
      return;
    }
    busy_++;
    auto work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    try {
      work();
    } catch (...) {
      try {
        log_error("an internal error: " + message_of(std::current_exception()));
      } catch (...) {  // there is no memory to say it
      }
    }
    work = nullptr;
    lock.lock();
    if (--busy_ == 0 && queue_.empty()) idle_changed_.notify_all();
  }
}

}  // namespace cohort
