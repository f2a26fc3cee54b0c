#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <cohort/wait_options.hpp>

#include "parallel/pool_state.hpp"
#include "remote/call_context.hpp"

namespace cohort::detail {

/// What came in for one thread, in the order of its coming. Anybody puts, one thread takes.
template <class Message>
class Inbox final : public PoolObserver {
 public:
  /// @param receiver the process of the thread that takes: for messages.
  Inbox(Reactor& reactor, Pid receiver) : reactor_(reactor), receiver_(receiver) {}

  /// The receiver is gone, and maybe the reactor: what comes now is thrown away.
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    messages_.clear();
  }

  bool is_closed() {
    std::lock_guard lock(mutex_);
    return closed_;
  }

  void put(Message message) {
    std::unique_lock lock(mutex_);
    if (closed_) return;
    messages_.push_back(std::move(message));
    wake(lock);
  }

  /// The pool has other workers: take() returns, if need be with nothing.
  void on_pool_changed() noexcept override {
    std::unique_lock lock(mutex_);
    if (closed_) return;
    pool_changed_ = true;
    wake(lock);
  }
  bool take_pool_changed() {
    std::lock_guard lock(mutex_);
    return std::exchange(pool_changed_, false);
  }

  /// All that is there, without waiting.
  std::vector<Message> take_all() {
    std::lock_guard lock(mutex_);
    return std::exchange(messages_, {});
  }
  /// Returns when there is something to take. @throws as wait_interruptibly.
  void wait(const WaitOptions& options) {
    auto signal = std::make_shared<Completion>();
    {
      std::lock_guard lock(mutex_);
      if (!messages_.empty() || pool_changed_) return;
      signal_ = signal;
    }
    wait_interruptibly(reactor_, *signal, options, "the results of a map of process", receiver_);
  }

 private:
  void wake(std::unique_lock<std::mutex>& lock) {
    auto signal = std::exchange(signal_, nullptr);
    if (signal == nullptr) return;
    lock.unlock();
    reactor_.complete(std::move(signal));
  }

  Reactor& reactor_;
  const Pid receiver_;
  std::mutex mutex_;  // guards all below
  bool closed_ = false;
  bool pool_changed_ = false;
  std::vector<Message> messages_;
  std::shared_ptr<Completion> signal_;
};

}  // namespace cohort::detail
