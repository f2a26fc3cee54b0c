#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include <cohort/detail/mutex.hpp>
#include <cohort/wait_options.hpp>

#include "parallel/pool_state.hpp"
#include "remote/call_context.hpp"

namespace cohort::detail {

/// Messages for one thread, in the order of arrival. Any thread may put, one thread takes.
template <class Message>
class Inbox final : public PoolObserver {
 public:
  /// @param receiver the process of the thread that takes; for error messages.
  Inbox(Reactor& reactor, Pid receiver) : reactor_(reactor), receiver_(receiver) {}

  /// Call it when the receiver is gone, and perhaps the reactor: later messages are discarded.
  void close() {
    MutexLock lock(mutex_);
    closed_ = true;
    messages_.clear();
  }

  bool is_closed() {
    MutexLock lock(mutex_);
    return closed_;
  }

  void put(Message message) {
    std::shared_ptr<Completion> signal;
    {
      MutexLock lock(mutex_);
      if (closed_) return;
      messages_.push_back(std::move(message));
      signal.swap(signal_);
    }
    wake(std::move(signal));
  }

  /// Call it when the workers of the pool have changed: take() returns, possibly without a message.
  void on_pool_changed() noexcept override {
    std::shared_ptr<Completion> signal;
    {
      MutexLock lock(mutex_);
      if (closed_) return;
      pool_changed_ = true;
      signal.swap(signal_);
    }
    wake(std::move(signal));
  }
  bool take_pool_changed() {
    MutexLock lock(mutex_);
    return std::exchange(pool_changed_, false);
  }

  /// Returns all present messages, without waiting.
  std::vector<Message> take_all() {
    MutexLock lock(mutex_);
    return std::exchange(messages_, {});
  }
  /// Waits until there is something to take. @throws as wait_interruptibly.
  void wait(const WaitOptions& options) {
    auto signal = std::make_shared<Completion>();
    {
      MutexLock lock(mutex_);
      if (!messages_.empty() || pool_changed_) return;
      signal_ = signal;
    }
    wait_interruptibly(reactor_, *signal, options, "the results of a map of process", receiver_);
  }

 private:
  void wake(std::shared_ptr<Completion> signal) {
    if (signal != nullptr) reactor_.complete(std::move(signal));
  }

  Reactor& reactor_;
  const Pid receiver_;
  Mutex mutex_;
  bool closed_ COHORT_GUARDED_BY(mutex_) = false;
  bool pool_changed_ COHORT_GUARDED_BY(mutex_) = false;
  std::vector<Message> messages_ COHORT_GUARDED_BY(mutex_);
  std::shared_ptr<Completion> signal_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort::detail
