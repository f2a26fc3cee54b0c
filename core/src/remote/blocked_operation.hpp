#pragma once

#include <memory>

#include "io/reactor.hpp"
#include "remote/call_context.hpp"
#include "remote/channel_queue.hpp"

namespace cohort::detail {

inline constexpr const char* channel_of = "a channel of process";  // what a wait was for, in errors

/// An operation on a channel of this process that a thread waits for.
class BlockedOperation final : public ChannelQueue::Operation, public Completion {
 public:
  BlockedOperation(CurrentNode node, ChannelQueue::Kind what, ChannelItem with);
  void done() noexcept override;
  /// Waits until it is done. An operation that is called off too late was done: its item is not lost.
  /// @throws what it failed with; TimeoutError, CancelledException, InterruptedException: it was not done.
  void wait(ChannelQueue& queue, const WaitOptions& options);

 private:
  Router& router_;
};

bool is_closed_error(const std::exception_ptr& exception);

}  // namespace cohort::detail
