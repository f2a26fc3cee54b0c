#pragma once

#include <chrono>
#include <memory>
#include <new>

#include "membership/connection.hpp"
#include "membership/router.hpp"
#include "remote/call_context.hpp"

namespace cohort::detail {

/// What is still to be sent of a message, while its sender's memory is borrowed or very much is queued: the peer may
/// not read for long. Used by the thread that sends.
class Unsent {
 public:
  Unsent() = default;
  /// @param written see SendQueue::send(); null: there is nothing to wait for.
  Unsent(std::shared_ptr<Connection> connection, std::shared_ptr<Completion> written)
      : connection_(std::move(connection)), written_(std::move(written)) {}

  /// Waits until it is sent. When it throws, the rest is still sent, from a copy: the message may be called off, but
  /// not be cut off. @throws InterruptedException, TimeoutError, CancelledException, as wait_interruptibly().
  void wait(Router& router, const WaitOptions& options, const char* what) {
    if (written_ == nullptr) return;
    try {
      wait_interruptibly(router.reactor(), *written_, options, what, connection_->peer());
    } catch (...) {
      copy(router.reactor());
      throw;
    }
  }

 private:
  void copy(Reactor& reactor) {
    try {
      // A thread writes for as long as the system, or a ring, takes something without waiting.
      while (!written_->done() && !connection_->copy_borrowed(*written_))
        reactor.wait(*written_, Clock::now() + std::chrono::milliseconds(1));
    } catch (const std::bad_alloc&) {
      reactor.wait(*written_);  // the peer takes it, or is lost
    }
  }

  std::shared_ptr<Connection> connection_;
  std::shared_ptr<Completion> written_;
};

}  // namespace cohort::detail
