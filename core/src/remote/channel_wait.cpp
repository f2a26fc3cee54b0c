#include "remote/channel_wait.hpp"

#include <utility>

#include <cohort/error.hpp>

#include "membership/router.hpp"

namespace cohort::detail {

ChannelWait::ChannelWait(CurrentNode node, ChannelQueue::Kind what, ChannelItem with)
    : Operation(what), router_(*node.router), call_(CallContext::current()) {
  item = std::move(with);
}

bool ChannelWait::claim(bool failing) noexcept {
  if (!failing && call_ != nullptr && call_->interrupted()) refused_ = true;
  return !refused_;
}

bool ChannelWait::give_up(ChannelQueue& queue) {
  const bool withdrawn = queue.withdraw(shared_from_this());
  return withdrawn || refused_;  // the queue dropped it, under its lock
}

void ChannelWait::done() noexcept {
  router_.reactor().complete(std::static_pointer_cast<ChannelWait>(shared_from_this()));
}

void ChannelWait::wait(ChannelQueue& queue, const WaitOptions& options) {
  try {
    wait_interruptibly(router_.reactor(), *this, options, channel_of, router_.self());
  } catch (...) {
    if (give_up(queue)) throw;
    router_.reactor().wait(*this);  // done() is on its way
  }
  if (failure) std::rethrow_exception(failure);
}

bool is_closed_error(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const ChannelClosedError&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace cohort::detail
