#include "remote/channel_server.hpp"

#include <utility>

#include <cohort/archive.hpp>
#include <cohort/detail/payload.hpp>
#include <cohort/error.hpp>

#include "remote/exception_codec.hpp"
#include "remote/messages.hpp"
#include "remote/response.hpp"

namespace cohort {

using detail::ChannelOp;
using detail::ChannelQueue;
using detail::RemoteChannelState;

namespace {

SendQueue::Mode mode_of_thread(References& references) {
  return references.router().reactor().on_loop() ? SendQueue::Mode::gather_on_loop : SendQueue::Mode::now;
}

void reply(References& references, Response answer) {
  send_response(references, std::move(answer), mode_of_thread(references));
}

void reply_failure(References& references, const std::shared_ptr<Connection>& connection, std::uint64_t request,
                   const std::exception_ptr& failure) {
  send_failure(references, connection, request, failure, mode_of_thread(references));
}

}  // namespace

/// An operation of another process, which is answered when it is done. If that process is gone by then it is not done.
class ChannelServer::Parked final : public ChannelQueue::Operation {
 public:
  Parked(ChannelQueue::Kind what, std::shared_ptr<References> references, const std::shared_ptr<Connection>& connection,
         std::uint64_t request)
      : Operation(what),
        references_(std::move(references)),
        client_(connection->peer()),
        connection_(connection),
        request_(request) {}

  /// Of a take: as many as there are, up to `most`.
  void take_more_from(std::shared_ptr<RemoteChannelState> channel, std::uint64_t most) {
    channel_ = std::move(channel);
    most_ = most;
  }
  void lease_from(std::shared_ptr<RemoteChannelState> channel) { channel_ = std::move(channel); }

  Pid client() const override { return client_; }
  std::uint64_t request() const override { return request_; }
  bool came_by(const Connection& connection) const { return connection_.lock().get() == &connection; }
  bool claim(bool) noexcept override {
    const auto connection = connection_.lock();
    return connection != nullptr && !connection->closed() && !references_->router().is_gone(client_);
  }
  void done() noexcept override {
    const auto connection = connection_.lock();
    if (connection == nullptr) return;
    try {
      if (failure != nullptr) return reply_failure(*references_, connection, request_, failure);
      if (kind == ChannelQueue::Kind::lease) return reply(*references_, {connection, request_, pack_leased()});
      if (channel_ != nullptr) return reply(*references_, {connection, request_, pack()});
      const bool with_item = kind == ChannelQueue::Kind::take || kind == ChannelQueue::Kind::fetch;
      auto payload = with_item ? std::static_pointer_cast<const Payload>(std::move(item.object))
                               : std::make_shared<const Payload>();
      reply(*references_, {connection, request_, std::move(payload)});
    } catch (...) {
      if (lease != 0) channel_->queue()->end_lease(client_, lease, true);
      guard_loop([&] { reply_failure(*references_, connection, request_, std::current_exception()); });
    }
  }

 private:
  std::shared_ptr<const Payload> pack() {
    std::vector<detail::ChannelItem> items;
    detail::ItemsOfMessage message;
    const auto fits = [&](const detail::ChannelItem& next) {
      return message.fits(*static_cast<const Payload*>(next.object.get()));
    };
    bool room = fits(item);
    do {
      items.push_back(std::move(item));
    } while (room && items.size() < most_ && channel_->queue()->take_more(item, fits));
    auto packed = std::make_shared<Payload>();
    OutArchive archive(*packed);
    archive.write_size(items.size());
    for (const auto& one : items) detail::save_payload(archive, *static_cast<const Payload*>(one.object.get()));
    return packed;
  }

  std::shared_ptr<const Payload> pack_leased() const {
    auto packed = std::make_shared<Payload>();
    OutArchive archive(*packed);
    archive(lease);
    detail::save_payload(archive, *static_cast<const Payload*>(item.object.get()));
    return packed;
  }

  const std::shared_ptr<References> references_;
  const Pid client_;
  const std::weak_ptr<Connection> connection_;
  const std::uint64_t request_;
  std::shared_ptr<RemoteChannelState> channel_;  // of take_some and of a lease
  std::uint64_t most_ = 1;
};

void ChannelServer::on_frame(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  const std::uint64_t request = frame.header.request;
  try {
    handle(connection, std::move(frame));
  } catch (...) {
    if (request == 0) return;  // nobody waits: it ends a lease of a channel that is gone
    reply_failure(references_, connection, request, std::current_exception());
  }
}

void ChannelServer::handle(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  const std::uint64_t request = frame.header.request;
  const auto what = static_cast<ChannelOp>(frame.header.flags);
  Payload message;
  message.body = std::move(frame.body);
  message.segments = std::move(frame.segments);
  if (!frame.references.empty()) message.references = references_.adopt(frame.references);
  InArchive archive(message);
  RefId ref;
  archive(ref.whence, ref.id);
  const auto rest = [&] {
    Payload payload;
    payload.body = Bytes(message.body.span().subspan(archive.position()));
    payload.segments = message.segments;
    payload.references = message.references;
    return payload;
  };
  const auto answer = [&](Payload&& payload) {
    payload.own();
    reply(references_, {connection, request, std::make_shared<const Payload>(std::move(payload))});
  };
  if (what == ChannelOp::make) {
    std::uint64_t capacity = 0;
    archive(capacity);
    if (ref.whence != connection->peer() || ref.kind() != ReferenceKind::channel) throw BadMessage("not your name");
    references_.enter(std::make_shared<RemoteChannelState>(references_.shared_from_this(), ref,
                                                           references_.router().self(), capacity),
                      ref.whence);
    return answer({});
  }
  auto channel = std::dynamic_pointer_cast<RemoteChannelState>(references_.find_any(ref));
  if (channel == nullptr) throw Error("Local instance of remote reference not found");
  ChannelQueue& queue = *channel->queue();
  const auto start = [&](ChannelQueue::Kind kind) {
    auto operation = std::make_shared<Parked>(kind, references_.shared_from_this(), connection, request);
    if (kind == ChannelQueue::Kind::put) operation->item.object = std::make_shared<Payload>(rest());
    queue.start(operation);
  };
  switch (what) {
    case ChannelOp::put:
      return start(ChannelQueue::Kind::put);
    case ChannelOp::put_some: {
      auto operation =
          std::make_shared<Parked>(ChannelQueue::Kind::put, references_.shared_from_this(), connection, request);
      const auto load = [&] { return detail::ChannelItem{std::make_shared<Payload>(detail::load_payload(archive))}; };
      std::size_t count = archive.read_size(1);
      if (count == 0) throw BadMessage("no items");
      for (operation->item = load(); --count > 0;) operation->further_items.push_back(load());
      return queue.start(operation);
    }
    case ChannelOp::take:
      return start(ChannelQueue::Kind::take);
    case ChannelOp::take_some: {
      std::uint64_t most = 0;
      archive(most);
      auto operation =
          std::make_shared<Parked>(ChannelQueue::Kind::take, references_.shared_from_this(), connection, request);
      operation->take_more_from(channel, most);
      return queue.start(operation);
    }
    case ChannelOp::lease: {
      auto operation =
          std::make_shared<Parked>(ChannelQueue::Kind::lease, references_.shared_from_this(), connection, request);
      operation->lease_from(channel);
      return queue.start(operation);
    }
    case ChannelOp::acknowledge:
    case ChannelOp::give_back: {
      std::uint64_t lease = 0;
      archive(lease);
      return queue.end_lease(connection->peer(), lease, what == ChannelOp::give_back);
    }
    case ChannelOp::fetch:
      return start(ChannelQueue::Kind::fetch);
    case ChannelOp::wait:
      return start(ChannelQueue::Kind::wait);
    case ChannelOp::call_off:
      return call_off(connection, queue, request);
    case ChannelOp::close:
      queue.close(archive.left() == 0 ? nullptr : decode_exception(rest(), connection->peer()));
      return answer({});
    case ChannelOp::status:
      return answer(encode(queue.status()));
    case ChannelOp::bind: {
      std::int32_t pid = no_pid;
      archive(pid);
      channel->bind(pid);
      return answer({});
    }
    case ChannelOp::make:
      break;
  }
  throw Error("unknown operation on a channel", ErrorKind::unimplemented);
}

// Not answered by itself: either the operation is, now, or it was done before.
void ChannelServer::call_off(const std::shared_ptr<Connection>& connection, ChannelQueue& queue,
                             std::uint64_t request) {
  bool withdrawn = false;
  for (const auto& operation : queue.waiting_for(connection->peer(), request)) {
    const auto* parked = dynamic_cast<const Parked*>(operation.get());
    if (parked != nullptr && parked->came_by(*connection)) withdrawn |= queue.withdraw(operation);
  }
  if (!withdrawn) return;
  const auto reason = std::make_exception_ptr(CancelledException("called off"));
  reply_failure(references_, connection, request, reason);
}

}  // namespace cohort
