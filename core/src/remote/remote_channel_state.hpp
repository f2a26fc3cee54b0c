#pragma once

#include <memory>
#include <set>
#include <span>
#include <vector>

#include <cohort/detail/channels.hpp>
#include <cohort/detail/mutex.hpp>

#include "io/send_queue.hpp"
#include "membership/requests.hpp"
#include "remote/channel_queue.hpp"
#include "remote/reference.hpp"

namespace cohort::detail {

/// The operation that a `channel` frame requests from the channel's owner: the frame's flags.
enum class ChannelOp : std::uint8_t {
  make = 0,          ///< the channel, with this capacity
  put = 1,           ///< the rest of the body is the item
  take = 2,          ///< answered with an item
  fetch = 3,         ///< the same, but it stays
  wait = 4,          ///< answered when there is an item
  close = 5,         ///< the rest of the body, if any, is an exception
  status = 6,        ///< answered with a ChannelStatus
  bind = 7,          ///< close it when this process is gone
  take_some = 8,     ///< answered with one to this many items, each with its size
  call_off = 9,      ///< the operation with the frame's request number: it is answered, either way
  lease = 10,        ///< answered with the number of a lease and an item
  acknowledge = 11,  ///< ends the lease of this number; not answered, as is the next one
  give_back = 12,    ///< the same, and its item goes back
  put_some = 13,     ///< the rest of the body is a number of items, each with its size
};

/// How many items one message takes. The first one is in it in any case.
class ItemsOfMessage {
 public:
  /// Counts `next`. @return false: no further one; it is in only if it is the first.
  bool fits(const Payload& next);

 private:
  std::size_t bytes_ = 0, segments_ = 0, references_ = 0;
};

/// One remote channel in one process. In the owner it has the queue itself, whose items are encoded.
class RemoteChannelState final : public Reference, public std::enable_shared_from_this<RemoteChannelState> {
 public:
  RemoteChannelState(std::shared_ptr<References> references, RefId ref, Pid owner, std::size_t capacity);

  /// Null if another process owns it.
  const ChannelPtr& queue() const { return queue_; }
  /// Sends a request to the owner and waits for the answer; after a cancellation, waits for its outcome.
  /// @throws the exception with which it failed, ProcessExitedException, TimeoutError, CancelledException,
  /// InterruptedException.
  Payload ask(ChannelOp what, const Payload& argument, const WaitOptions& options = {});

  /// Puts items together, in their order. @throws as ask(); then some of them may be in the channel.
  void put_all(const std::vector<Payload>& items, const WaitOptions& options);

  std::size_t bytes() override;
  /// In the owner: drops the operations of that process, and takes back what it has leased; closes the channel if it
  /// is bound to it.
  void on_gone(Pid pid) override;
  /// In the owner: takes back what that process has leased.
  void on_disconnected(Pid pid) override { queue_->end_leases(pid); }
  /// Ends a lease of this process. Any thread; does not wait. Never throws: if nothing can be sent to the owner, the
  /// owner takes the item back.
  void end_lease(std::uint64_t lease, bool back) noexcept;
  void bind(Pid pid);

 private:
  class Asked;
  std::shared_ptr<Asked> begin(ChannelOp what, const Payload& argument, SendQueue::Mode mode,
                               const WaitOptions& options);
  std::shared_ptr<Asked> begin_put(std::span<const Payload> items, const WaitOptions& options);
  Payload finish(Asked& asked, const WaitOptions& options);

  const ChannelPtr queue_;
  detail::Mutex mutex_;
  std::set<Pid> bound_ COHORT_GUARDED_BY(mutex_);  // owner: it closes when one of these is gone
};

}  // namespace cohort::detail
