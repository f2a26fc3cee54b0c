#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <utility>

#include <cohort/detail/mutex.hpp>
#include <cohort/io_pair.hpp>

namespace COHORT_EXPORT cohort {

/// Connections that wait for Listener::accept(), for a listener without a descriptor: the transport's own thread, or
/// whoever dials, adds them. Share it (std::shared_ptr) between the listener and those. Any thread may use it.
/// @tparam Connection an IoPair, or what accept() makes one from.
template <class Connection = IoPair>
class AcceptQueue {
 public:
  /// @param backlog how many may wait.
  explicit AcceptQueue(std::size_t backlog = 1024) : backlog_(backlog) {}

  /// @return false: it was closed, or too many wait; the connection was not moved from then.
  bool add(Connection&& connection) {
    const detail::MutexLock lock(mutex_);
    if (closed_ || waiting_.size() >= backlog_) return false;
    waiting_.push_back(std::move(connection));
    if (ready_) ready_();
    return true;
  }
  /// For Listener::accept().
  std::optional<Connection> take() {
    const detail::MutexLock lock(mutex_);
    if (waiting_.empty()) return std::nullopt;
    std::optional<Connection> first = std::move(waiting_.front());
    waiting_.pop_front();
    return first;
  }
  /// For Listener::on_acceptable(): `ready` is called within add(), and must neither block nor throw.
  void on_acceptable(std::function<void()> ready) {
    const detail::MutexLock lock(mutex_);
    ready_ = std::move(ready);
    if (ready_ && !waiting_.empty()) ready_();
  }
  /// For the listener's destructor: drops those that wait, and takes no more. `ready` is not called afterwards.
  void close() {
    std::deque<Connection> dropped;
    const detail::MutexLock lock(mutex_);
    closed_ = true;
    ready_ = nullptr;
    dropped.swap(waiting_);
  }

 private:
  const std::size_t backlog_;
  detail::Mutex mutex_;  // held during the callback, so that none comes after close()
  std::function<void()> ready_ COHORT_GUARDED_BY(mutex_);
  std::deque<Connection> waiting_ COHORT_GUARDED_BY(mutex_);
  bool closed_ COHORT_GUARDED_BY(mutex_) = false;
};

}  // namespace cohort
