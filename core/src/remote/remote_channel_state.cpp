#include "remote/remote_channel_state.hpp"

#include <utility>

#include <cohort/archive.hpp>
#include <cohort/detail/payload.hpp>
#include <cohort/error.hpp>
#include <cohort/this_call.hpp>

#include "membership/open_request.hpp"
#include "remote/channel_wait.hpp"
#include "remote/exception_codec.hpp"
#include "remote/messages.hpp"
#include "remote/references.hpp"
#include "remote/unsent.hpp"

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

bool ItemsOfMessage::fits(const Payload& next) {
  constexpr std::size_t most_bytes = 1 << 20, most_others = 1000;
  bytes_ += next.byte_size() + 3 * sizeof(std::uint64_t);  // as save_payload() writes it
  segments_ += next.segments.size();
  references_ += next.references.size();
  return bytes_ <= most_bytes && segments_ <= most_others && references_ <= most_others;
}

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
  std::shared_ptr<Connection> connection;
  std::uint64_t request = 0;
  std::exception_ptr given_up;  // before it was sent

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

std::shared_ptr<RemoteChannelState::Asked> RemoteChannelState::begin(ChannelOp what, const Payload& argument,
                                                                     SendQueue::Mode mode, const WaitOptions& options) {
  Router& router = references_->router();
  auto asked = std::make_shared<Asked>(owner);
  asked->connection = router.connection_to(owner);
  OpenRequest open(*asked->connection, asked);
  asked->request = open.id();
  Unsent unsent(asked->connection,
                references_->send(*asked->connection, FrameKind::channel, static_cast<std::uint8_t>(what), open.id(),
                                  argument, mode, encode_name(ref).body.span()));
  open.sent();
  try {
    unsent.wait(router, options, channel_of);
  } catch (const std::exception&) {
    asked->given_up = std::current_exception();
  }
  return asked;
}

std::shared_ptr<RemoteChannelState::Asked> RemoteChannelState::begin_put(std::span<const Payload> items,
                                                                         const WaitOptions& options) {
  if (items.size() == 1) return begin(ChannelOp::put, items.front(), SendQueue::Mode::gather, options);
  Payload packed;
  OutArchive archive(packed);
  archive.write_size(items.size());
  for (const auto& item : items) save_payload(archive, item);
  return begin(ChannelOp::put_some, packed, SendQueue::Mode::gather, options);
}

Payload RemoteChannelState::finish(Asked& asked, const WaitOptions& options) {
  Reactor& reactor = references_->router().reactor();
  try {
    if (asked.given_up != nullptr) std::rethrow_exception(asked.given_up);
    wait_interruptibly(reactor, asked, options, channel_of, owner);
  } catch (...) {
    asked.connection->send(FrameKind::channel, static_cast<std::uint8_t>(ChannelOp::call_off), asked.request, {},
                           SendQueue::Mode::before_wait, {}, encode_name(ref).body.span());
    reactor.wait(asked);  // the owner's loop answers, or its end does
    try {
      return asked.take(*references_);  // it was done already: an item must not be lost
    } catch (const CancelledException&) {
    }
    throw;
  }
  return asked.take(*references_);
}

Payload RemoteChannelState::ask(ChannelOp what, const Payload& argument, const WaitOptions& options) {
  // The item would be lost: nobody waits for the call any more.
  if (what == ChannelOp::take || what == ChannelOp::take_some || what == ChannelOp::lease) interruption_point();
  return finish(*begin(what, argument, SendQueue::Mode::before_wait, options), options);
}

void RemoteChannelState::put_all(const std::vector<Payload>& items, const WaitOptions& options) {
  std::vector<std::shared_ptr<Asked>> puts;
  std::exception_ptr given_up;
  for (std::size_t next = 0; next < items.size() && given_up == nullptr;) {
    const std::size_t first = next;
    ItemsOfMessage message;
    while (next < items.size() && (message.fits(items[next]) || next == first)) next++;
    puts.push_back(begin_put(std::span(items).subspan(first, next - first), options));
    if (next < items.size()) given_up = puts.back()->given_up;
  }
  std::exception_ptr first;
  for (const auto& put : puts) {
    try {
      finish(*put, first == nullptr ? options : WaitOptions{.deadline = Clock::now()});  // after a failure none waits
    } catch (...) {
      if (first == nullptr) first = std::current_exception();
    }
  }
  if (first == nullptr) first = given_up;  // all that was sent arrived, but it was not all
  if (first) std::rethrow_exception(first);
}

void RemoteChannelState::end_lease(std::uint64_t lease, bool back) noexcept {
  if (queue_ != nullptr) return queue_->end_lease(no_pid, lease, back);
  try {
    Payload number = encode_name(ref);
    number.body.append(&lease, sizeof lease);
    const auto connection = references_->router().existing_connection(owner);
    if (connection == nullptr) return;
    const auto what = back ? ChannelOp::give_back : ChannelOp::acknowledge;
    connection->send(FrameKind::channel, static_cast<std::uint8_t>(what), 0, number, SendQueue::Mode::gather);
  } catch (const std::exception&) {  // the session has ended, or there is no memory
  }
}

std::size_t RemoteChannelState::bytes() {
  std::size_t sum = 0;
  queue_->for_each(
      [&](const ChannelItem& item) { sum += static_cast<const Payload*>(item.object.get())->byte_size(); });
  return sum;
}

void RemoteChannelState::bind(Pid pid) {
  {
    detail::MutexLock lock(mutex_);
    if (!bound_.insert(pid).second) return;  // it is watched already
  }
  references_->watch(pid, shared_from_this());
}

void RemoteChannelState::on_gone(Pid pid) {
  queue_->drop_client(pid);
  detail::MutexLock lock(mutex_);
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

void remote_channel_put_all(const RemoteChannelPtr& channel, std::vector<Payload>&& items, const WaitOptions& options) {
  if (channel->queue() == nullptr) return channel->put_all(items, options);
  for (auto& item : items) channel_put(channel->queue(), {owned(std::move(item))}, options);
}

std::vector<PayloadPtr> remote_channel_take_some(const RemoteChannelPtr& channel, std::size_t most,
                                                 const WaitOptions& options) {
  std::vector<PayloadPtr> items;
  if (most == 0) return items;
  if (channel->queue() == nullptr) {
    const Payload packed = channel->ask(ChannelOp::take_some, encode(std::uint64_t{most}), options);
    InArchive archive(packed);
    items.resize(archive.read_size(1));
    for (auto& item : items) item = std::make_shared<const Payload>(detail::load_payload(archive));
    return items;
  }
  ChannelItem item = channel_take(channel->queue(), options);
  do {
    items.push_back(payload_of(std::move(item)));
  } while (items.size() < most && channel->queue()->take_more(item));
  return items;
}

LeasedItem remote_channel_lease(const RemoteChannelPtr& channel, const WaitOptions& options) {
  if (const auto& queue = channel->queue(); queue != nullptr) {
    interruption_point();
    auto operation = std::make_shared<ChannelWait>(CurrentNode::get(), ChannelQueue::Kind::lease, ChannelItem{});
    queue->start(operation);
    operation->wait(*queue, options);
    return {payload_of(std::move(operation->item)), operation->lease};
  }
  const Payload packed = channel->ask(ChannelOp::lease, {}, options);
  InArchive archive(packed);
  LeasedItem leased;
  archive(leased.lease);
  leased.item = std::make_shared<const Payload>(detail::load_payload(archive));
  return leased;
}

void remote_channel_end_lease(const RemoteChannelPtr& channel, std::uint64_t lease, bool back) noexcept {
  channel->end_lease(lease, back);
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

void throw_custom_channel(const char* operation) {
  throw Error(std::string("this RemoteChannel was made by a function of the program, so it has no ") + operation +
              "(); it has put(), take() and the others of AbstractChannel");
}

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
