#include "remote/remote_channel_state.hpp"

#include <utility>

#include <cohort/archive.hpp>
#include <cohort/error.hpp>

#include "remote/blocked_operation.hpp"
#include "remote/exception_codec.hpp"
#include "remote/messages.hpp"
#include "remote/references.hpp"

namespace cohort::detail {
namespace {

Payload encode_name(RefId ref) {
  Payload name;
  OutArchive archive(name);
  archive(std::int32_t{ref.whence}, ref.id);
  return name;
}

// The end of a channel is thrown as itself, wherever the channel is; what else fails there is a RemoteException.
[[noreturn]] void throw_failure(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const RemoteException& error) {
    if (error.cause() == nullptr) throw;
    try {
      std::rethrow_exception(error.cause());
    } catch (const ChannelClosedError&) {
      throw;
    } catch (const ProcessExitedException&) {
      throw;
    } catch (const CancelledException&) {
      throw;
    } catch (...) {
    }
    throw;
  }
}

}  // namespace

RemoteChannelState::RemoteChannelState(std::shared_ptr<References> references, RefId ref_id, Pid owner_pid,
                                       std::size_t capacity)
    : Reference(std::move(references), ref_id, owner_pid),
      queue_(owned_here() ? std::make_shared<ChannelQueue>(capacity) : nullptr) {}

class RemoteChannelState::Asked final : public Request {
 public:
  explicit Asked(Pid owner) : owner_(owner) {}
  void on_result(Frame&& frame) noexcept override { frame_ = std::move(frame); }
  void on_lost(const std::string& cause) noexcept override {
    lost_ = std::make_exception_ptr(ProcessExitedException(owner_, cause));
  }
  Payload take(References& references) {
    if (lost_ != nullptr) std::rethrow_exception(lost_);
    Payload payload;
    payload.body = std::move(frame_.body);
    payload.segments = std::move(frame_.segments);
    if (!frame_.references.empty()) payload.references = references.adopt(frame_.references);
    if (frame_.header.flags == result_exception) throw_failure(decode_exception(payload, owner_));
    return payload;
  }

 private:
  const Pid owner_;
  Frame frame_{};
  std::exception_ptr lost_;
};

Payload RemoteChannelState::ask(ChannelOp what, const Payload& argument, const WaitOptions& options) {
  Router& router = references_->router();
  auto connection = router.connection_to(owner);
  auto asked = std::make_shared<Asked>(owner);
  const auto id = connection->requests().add(asked);
  if (!id) throw ProcessExitedException(owner, "the connection ended");
  std::vector<ReferenceEntry> entries;
  if (!argument.references.empty()) entries = references_->acquire_for(owner, argument.references);
  const Payload name = encode_name(ref);
  const auto flags = static_cast<std::uint8_t>(what);
  auto written = connection->send(FrameKind::channel, flags, *id, argument, SendQueue::Mode::before_wait, entries,
                                  name.body.span());
  if (written != nullptr) router.reactor().wait(*written);
  try {
    wait_interruptibly(router.reactor(), *asked, options, channel_of, owner);
  } catch (...) {
    const auto call_off = static_cast<std::uint8_t>(ChannelOp::call_off);
    connection->send(FrameKind::channel, call_off, *id, {}, SendQueue::Mode::before_wait, {}, name.body.span());
    router.reactor().wait(*asked);  // the owner's loop answers, or its end does
    try {
      return asked->take(*references_);  // it was done already: an item must not be lost
    } catch (const CancelledException&) {
    }
    throw;
  }
  return asked->take(*references_);
}

std::size_t RemoteChannelState::bytes() {
  std::size_t sum = 0;
  queue_->for_each(
      [&](const ChannelItem& item) { sum += static_cast<const Payload*>(item.object.get())->byte_size(); });
  return sum;
}

void RemoteChannelState::bind(Pid pid) {
  {
    std::lock_guard lock(mutex_);
    bound_.insert(pid);
  }
  references_->watch(pid, shared_from_this());
}

void RemoteChannelState::on_gone(Pid pid) {
  queue_->withdraw_if([pid](const auto& operation) { return operation.client() == pid; });
  std::unique_lock lock(mutex_);
  const bool bound = bound_.erase(pid) > 0;
  lock.unlock();
  if (bound) queue_->close(std::make_exception_ptr(ProcessExitedException(pid, "the channel was bound to it")));
}

// --- What the templates use. ---

namespace {

std::shared_ptr<Payload> owned(Payload&& payload) {
  auto item = std::make_shared<Payload>(std::move(payload));
  item->own();
  return item;
}

PayloadPtr payload_of(ChannelItem&& item) { return std::static_pointer_cast<const Payload>(std::move(item.object)); }

}  // namespace

RemoteChannelPtr make_remote_channel(std::size_t capacity, Pid owner) {
  References& references = *CurrentNode::get().references;
  auto channel = std::make_shared<RemoteChannelState>(references.shared_from_this(),
                                                      references.new_name(ReferenceKind::channel), owner, capacity);
  if (channel->queue() != nullptr) return channel;
  Payload request = encode_name(channel->ref);
  const std::uint64_t wide = capacity;
  request.body.append(&wide, sizeof wide);
  references.make_there(channel, FrameKind::channel, static_cast<std::uint8_t>(ChannelOp::make), request);
  return channel;
}

Pid remote_channel_owner(const RemoteChannelState& channel) { return channel.owner; }

void remote_channel_put(const RemoteChannelPtr& channel, Payload&& item, const WaitOptions& options) {
  if (channel->queue() != nullptr) return channel_put(channel->queue(), {owned(std::move(item))}, options);
  channel->ask(ChannelOp::put, item, options);
}

PayloadPtr remote_channel_take(const RemoteChannelPtr& channel, const WaitOptions& options) {
  if (channel->queue() != nullptr) return payload_of(channel_take(channel->queue(), options));
  return owned(channel->ask(ChannelOp::take, {}, options));
}

PayloadPtr remote_channel_fetch(const RemoteChannelPtr& channel, const WaitOptions& options) {
  if (channel->queue() != nullptr) return payload_of(channel_fetch(channel->queue(), options));
  return owned(channel->ask(ChannelOp::fetch, {}, options));
}

void remote_channel_wait(const RemoteChannelPtr& channel, const WaitOptions& options) {
  if (channel->queue() != nullptr) return channel_wait(channel->queue(), options);
  channel->ask(ChannelOp::wait, {}, options);
}

void remote_channel_close(const RemoteChannelPtr& channel, std::exception_ptr reason) {
  if (channel->queue() != nullptr) return channel->queue()->close(std::move(reason));
  const Pid self = CurrentNode::get().router->self();
  channel->ask(ChannelOp::close, reason == nullptr ? Payload{} : encode_exception(reason, self));
}

void remote_channel_bind(const RemoteChannelPtr& channel, Pid pid) {
  if (channel->queue() != nullptr) return channel->bind(pid);
  channel->ask(ChannelOp::bind, encode(std::int32_t{pid}));
}

ChannelStatus remote_channel_status(const RemoteChannelPtr& channel) {
  if (channel->queue() != nullptr) return channel->queue()->status();
  return decode<ChannelStatus>(channel->ask(ChannelOp::status, {}));
}

void rethrow_channel_failure() { throw_failure(std::current_exception()); }

void remote_channel_save(OutArchive& archive, const RemoteChannelPtr& channel) {
  archive(channel != nullptr);
  if (channel != nullptr) archive(archive.add_reference(channel));
}

RemoteChannelPtr remote_channel_load(InArchive& archive) {
  bool there = false;
  archive(there);
  return there ? reference_as<RemoteChannelState>(archive.take_reference()) : nullptr;
}

}  // namespace cohort::detail
