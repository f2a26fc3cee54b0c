#pragma once

#include <memory>

#include "io/reactor.hpp"
#include "remote/call_context.hpp"
#include "remote/channel_queue.hpp"

namespace cohort::detail {

inline constexpr const char* channel_of = "a channel of process";  // what a wait was for, in errors

/// An operation on a channel of this process that a thread waits for. Once the call that the thread runs is
/// interrupted, nothing is done for it any more: an item that comes later is for others, even before the thread has
/// noticed.
class ChannelWait final : public ChannelQueue::Operation, public Completion {
 public:
  ChannelWait(CurrentNode node, ChannelQueue::Kind what, ChannelItem with);
  bool claim(bool failing) noexcept override;
  void done() noexcept override;
  /// Takes it back, so that it has no effect. @return false: it was done, or is being done.
  bool give_up(ChannelQueue& queue);
  /// Waits until it is done. An operation that is called off too late was done: its item is not lost.
  /// @throws what it failed with; TimeoutError, CancelledException, InterruptedException: it was not done.
  void wait(ChannelQueue& queue, const WaitOptions& options);

 private:
  Router& router_;
  const CallContext* const call_;  // which the waiting thread runs; null: none
  bool refused_ = false;           // guarded by the queue's lock
};

bool is_closed_error(const std::exception_ptr& exception);

}  // namespace cohort::detail
