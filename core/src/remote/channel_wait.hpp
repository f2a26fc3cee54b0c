#pragma once

#include <memory>

#include "io/reactor.hpp"
#include "remote/call_context.hpp"
#include "remote/channel_queue.hpp"

namespace cohort::detail {

inline constexpr const char* channel_of = "a channel of process";  // what a wait was for, in errors

/// An operation on a channel of this process for which a thread waits. Once the thread's call is interrupted, the
/// operation is not done any more: a later item is left for others, even before the thread has noticed.
class ChannelWait final : public ChannelQueue::Operation, public Completion {
 public:
  ChannelWait(CurrentNode node, ChannelQueue::Kind what, ChannelItem with);
  bool claim(bool failing) noexcept override;
  void done() noexcept override;
  /// Cancels the operation, so that it has no effect. @return false if it was done, or is being done.
  bool give_up(ChannelQueue& queue);
  /// Waits until it is done. If it is cancelled too late, it succeeds, so its item is not lost.
  /// @throws the exception with which it failed; TimeoutError, CancelledException, InterruptedException: it was not
  /// done.
  void wait(ChannelQueue& queue, const WaitOptions& options);

 private:
  Router& router_;
  const CallContext* const call_;  // which the waiting thread runs; null: none
  bool refused_ = false;           // guarded by the queue's lock
};

bool is_closed_error(const std::exception_ptr& exception);

}  // namespace cohort::detail
