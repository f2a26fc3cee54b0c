// Threads of this process that wait for a channel.

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include <cohort/error.hpp>
#include <cohort/this_call.hpp>

#include "membership/router.hpp"
#include "remote/channel_wait.hpp"

namespace cohort::detail {
namespace {

std::shared_ptr<ChannelWait> wait_for(const ChannelPtr& channel, ChannelQueue::Kind kind, ChannelItem item,
                                      const WaitOptions& options) {
  auto operation = std::make_shared<ChannelWait>(CurrentNode::get(), kind, std::move(item));
  channel->start(operation);
  operation->wait(*channel, options);
  return operation;
}

}  // namespace

ChannelPtr make_channel(std::size_t capacity) { return std::make_shared<ChannelQueue>(capacity); }

void channel_put(const ChannelPtr& channel, ChannelItem item, const WaitOptions& options) {
  if (!channel->try_put(std::move(item))) wait_for(channel, ChannelQueue::Kind::put, std::move(item), options);
}

ChannelItem channel_take(const ChannelPtr& channel, const WaitOptions& options) {
  interruption_point();  // the item would be lost: nobody waits for the call any more
  ChannelItem item;
  if (channel->try_take(item)) return item;
  return std::move(wait_for(channel, ChannelQueue::Kind::take, {}, options)->item);
}

ChannelItem channel_fetch(const ChannelPtr& channel, const WaitOptions& options) {
  ChannelItem item;
  if (channel->try_fetch(item)) return item;
  return std::move(wait_for(channel, ChannelQueue::Kind::fetch, {}, options)->item);
}

void channel_wait(const ChannelPtr& channel, const WaitOptions& options) {
  wait_for(channel, ChannelQueue::Kind::wait, {}, options);
}

bool channel_try_put(const ChannelPtr& channel, ChannelItem&& item) { return channel->try_put(std::move(item)); }
bool channel_try_take(const ChannelPtr& channel, ChannelItem& item) { return channel->try_take(item); }
void channel_close(const ChannelPtr& channel, std::exception_ptr reason) { channel->close(std::move(reason)); }
ChannelStatus channel_status(const ChannelPtr& channel) { return channel->status(); }

// --- A take from whichever of several channels has an item first. ---

namespace {

class Selection final : public Completion {
 public:
  Selection(CurrentNode node, std::size_t channels) : reactor_(node.router->reactor()), open_(channels) {}

  bool claim() { return !claimed_.exchange(true); }
  /// For a take. Not once the call that the waiting thread runs is interrupted.
  bool claim_item() { return (call_ == nullptr || !call_->interrupted()) && claim(); }
  Reactor& reactor() { return reactor_; }
  /// One channel is closed and has nothing left. @return whether it was the last.
  bool closed() { return open_.fetch_sub(1) == 1; }

  // Of whoever claimed it, until it is completed.
  std::optional<Selected> selected;
  std::exception_ptr failure;

 private:
  Reactor& reactor_;
  const CallContext* const call_ = CallContext::current();
  std::atomic<bool> claimed_{false};
  std::atomic<std::size_t> open_;
};

class SelectCase final : public ChannelQueue::Operation {
 public:
  SelectCase(std::shared_ptr<Selection> selection, std::size_t index)
      : Operation(ChannelQueue::Kind::take), selection_(std::move(selection)), index_(index) {}

  bool claim(bool failing) noexcept override { return failing || selection_->claim_item(); }
  void done() noexcept override {
    if (failure == nullptr) {
      selection_->selected = Selected{index_, std::move(item)};
    } else {
      const bool only_closed = is_closed_error(failure);
      const bool last = selection_->closed();
      if ((only_closed && !last) || !selection_->claim()) return;
      if (!only_closed) selection_->failure = failure;
    }
    selection_->reactor().complete(selection_);
  }

 private:
  const std::shared_ptr<Selection> selection_;
  const std::size_t index_;
};

}  // namespace

std::optional<Selected> channel_select(std::span<const ChannelPtr> channels, const WaitOptions& options) {
  const CurrentNode node = CurrentNode::get();
  auto selection = std::make_shared<Selection>(node, channels.size());
  std::vector<std::shared_ptr<SelectCase>> cases;
  for (const auto& channel : channels) {
    cases.push_back(std::make_shared<SelectCase>(selection, cases.size()));
    channel->start(cases.back());
  }
  const auto withdraw = [&] {
    for (std::size_t i = 0; i < cases.size(); i++) channels[i]->withdraw(cases[i]);
  };
  try {
    wait_interruptibly(node.router->reactor(), *selection, options, channel_of, node.router->self());
  } catch (...) {
    const bool nothing_yet = selection->claim();
    if (nothing_yet) {
      withdraw();
      throw;
    }
    node.router->reactor().wait(*selection);  // it is being completed: an item must not be lost
  }
  withdraw();
  if (selection->failure) std::rethrow_exception(selection->failure);
  return std::move(selection->selected);
}

}  // namespace cohort::detail
