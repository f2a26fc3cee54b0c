#include "remote/call_server.hpp"

#include <utility>

#include <cohort/archive.hpp>
#include <cohort/error.hpp>

#include "base/log.hpp"
#include "remote/exception_codec.hpp"
#include "remote/messages.hpp"
#include "remote/registry.hpp"

namespace cohort {
namespace {

constexpr Duration cancel_grace = std::chrono::seconds(1);

Payload take_payload(Frame&& frame, References& references) {
  Payload payload;
  payload.body = std::move(frame.body);
  payload.segments = std::move(frame.segments);
  if (!frame.references.empty()) payload.references = references.adopt(frame.references);
  return payload;
}

// Sends a result that is encoded already. On any thread; only a pool thread waits when the connection is clogged.
void send_result(Router& router, References& references, const std::shared_ptr<Connection>& connection,
                 std::uint64_t request, std::uint8_t flag, const Payload& payload, SendQueue::Mode mode) {
  std::vector<ReferenceEntry> entries;
  if (!payload.references.empty()) entries = references.acquire_for(connection->peer(), payload.references);
  auto ticket = connection->send(FrameKind::result, flag, request, payload, mode, entries);
  if (ticket != nullptr && !router.reactor().on_loop()) router.reactor().wait(*ticket);
}

}  // namespace

CallServer::Running::Running(CallServer& server, Pid caller)
    : server_(server), outer_(CallContext::current()), node_({&server.router_, &server.references_}) {
  context_.caller = caller;
  CallContext::current() = &context_;
  std::lock_guard lock(server_.mutex_);
  server_.running_.insert(&context_);
}

CallServer::Running::~Running() {
  CallContext::current() = outer_;
  std::lock_guard lock(server_.mutex_);
  server_.running_.erase(&context_);
}

class CallServer::CallTask final : public Task {
 public:
  CallTask(CallServer& server, std::shared_ptr<Connection> connection, const FrameHeader& header, Payload payload)
      : server_(server), connection_(std::move(connection)), header_(header), payload_(std::move(payload)) {}

  void run() noexcept override {
    detail::ThrowStackScope stack_scope;
    try {
      Payload result;
      std::exception_ptr failure;
      {
        Running running(server_, connection_->peer());
        try {
          InArchive archive(payload_);
          detail::FunctionId function;
          archive(function.module, function.offset);
          if (state_ != nullptr) {
            std::uint64_t ref = 0;  // read by on_call()
            archive(ref);
          }
          find_thunk(function).invoke(archive, result);
        } catch (...) {
          failure = std::current_exception();
        }
        payload_ = {};  // references that came along are released before the caller hears that the call is over
      }
      reply(result, failure);
    } catch (const std::exception& error) {
      connection_->close(std::string("an answer could not be sent: ") + error.what());
    }
  }

  void refuse() noexcept override {
    reply({}, std::make_exception_ptr(
                  Error("all threads of the worker are blocked in calls that wait for others", ErrorKind::overloaded)));
  }

  detail::FuturePtr state_;  // of a call whose result stays here

 private:
  void reply(const Payload& result, const std::exception_ptr& failure) {
    const Pid self = server_.router_.self();
    if (header_.kind == FrameKind::remote_do) {
      if (failure) log_error("a function called by remote_do threw: " + message_of(failure));
      return;
    }
    const auto mode = more_follow ? SendQueue::Mode::gather : SendQueue::Mode::before_wait;
    auto send = [&](std::uint8_t flag, const Payload& payload) {
      send_result(server_.router_, server_.references_, connection_, header_.request, flag, payload, mode);
    };
    if (failure) {
      if (state_ != nullptr) {
        state_->fail(as_remote_exception(failure, self));
        server_.references_.leave(state_->ref, connection_->peer());
      }
      return send(result_exception, encode_exception(failure, self));
    }
    if (state_ == nullptr) return send(result_value, result);
    const bool eager = result.byte_size() <= eager_result_limit;
    auto kept = std::make_shared<const Payload>(result);
    state_->set_payload(kept);
    if (!eager) return send(result_stored, Payload{});
    send(result_value, *kept);
    server_.references_.leave(state_->ref, connection_->peer());
  }

  CallServer& server_;
  const std::shared_ptr<Connection> connection_;
  const FrameHeader header_;
  Payload payload_;
};

void CallServer::on_call(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  const FrameHeader header = frame.header;
  detail::FuturePtr state;
  if (header.kind == FrameKind::call) {
    // module, offset, then the id of the value; the rest is the function's business
    constexpr std::size_t place = 2 * sizeof(std::uint64_t);
    std::uint64_t id = 0;
    if (frame.body.size() < place + sizeof id) return connection->close("a call without a function");
    std::memcpy(&id, frame.body.data() + place, sizeof id);
    state = references_.enter({connection->peer(), id}, connection->peer());
  }
  auto task = std::make_unique<CallTask>(*this, connection, header, take_payload(std::move(frame), references_));
  task->state_ = std::move(state);
  router_.reactor().submit(std::move(task));
}

void CallServer::answer(const std::shared_ptr<Connection>& connection, std::uint64_t request,
                        const detail::FutureState::Outcome& outcome, SendQueue::Mode mode) {
  if (outcome.payload != nullptr) {
    send_result(router_, references_, connection, request, result_value, *outcome.payload, mode);
  } else {
    send_result(router_, references_, connection, request, result_exception,
                encode_exception(outcome.exception, router_.self()), mode);
  }
}

void CallServer::on_fetch(const std::shared_ptr<Connection>& connection, const Frame& frame) {
  Payload message;
  message.body = frame.body;
  InArchive archive(message);
  RefId ref;
  std::uint8_t asked = 0;
  archive(ref.whence, ref.id, asked);
  const auto mode = static_cast<FetchMode>(asked);
  const std::uint64_t request = frame.header.request;
  auto state = references_.find(ref);
  if (state == nullptr) {
    const detail::FutureState::Outcome missing{
        nullptr, std::make_exception_ptr(Error("Local instance of remote reference not found"))};
    return answer(connection, request, missing, SendQueue::Mode::gather_on_loop);
  }
  if (mode == FetchMode::poll) {
    return send_result(router_, references_, connection, request, state->done() ? result_stored : result_pending, {},
                       SendQueue::Mode::gather_on_loop);
  }
  // The state keeps the callback, so the callback must keep neither the state nor, if nobody ever sets it, the
  // connection.
  state->on_settled([this, weak = std::weak_ptr(connection), request, mode, settled = state.get()] {
    auto asker = weak.lock();
    if (asker == nullptr) return;
    const auto send_mode = router_.reactor().on_loop() ? SendQueue::Mode::gather_on_loop : SendQueue::Mode::before_wait;
    const auto outcome = settled->outcome_or_share(nullptr);
    if (mode == FetchMode::wait && outcome->payload != nullptr) {
      send_result(router_, references_, asker, request, result_stored, {}, send_mode);
    } else {
      answer(asker, request, *outcome, send_mode);
    }
  });
}

void CallServer::on_put(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  const std::uint64_t request = frame.header.request;
  Payload result;
  std::uint8_t flag = result_value;
  try {
    auto payload = std::make_shared<Payload>(take_payload(std::move(frame), references_));
    RefId ref;
    {
      InArchive archive(*payload);
      archive(ref.whence, ref.id);
    }
    constexpr std::size_t prefix = sizeof ref.whence + sizeof ref.id;
    Bytes value(payload->body.span().subspan(prefix));
    payload->body = std::move(value);
    auto state = references_.find(ref);
    if (state == nullptr) throw Error("Local instance of remote reference not found");
    state->set_payload(std::move(payload));
  } catch (const std::exception&) {
    flag = result_exception;
    result = encode_exception(std::current_exception(), router_.self());
  }
  send_result(router_, references_, connection, request, flag, result, SendQueue::Mode::gather_on_loop);
}

bool CallServer::idle() {
  std::lock_guard lock(mutex_);
  return running_.empty();
}

std::size_t CallServer::interrupt_running(const std::shared_ptr<void>& told_at_end) {
  std::lock_guard lock(mutex_);
  for (CallContext* context : running_) {
    context->interrupted_by = told_at_end;
    router_.reactor().interrupt(context->interruption);
  }
  return running_.size();
}

void CallServer::on_cancel(const std::shared_ptr<Connection>& connection, const Frame& frame) {
  // Held by every interrupted call and by the timer: whichever is last, or the timer, answers.
  struct Answer {
    std::shared_ptr<Connection> connection;
    std::uint64_t request;
    std::atomic<bool> answered{false};
    void send(bool still_running) {
      if (answered.exchange(true)) return;
      const std::byte body{still_running};
      connection->send(FrameKind::result, request, std::span(&body, 1), SendQueue::Mode::now);
    }
  };
  auto answer = std::make_shared<Answer>();
  answer->connection = connection;
  answer->request = frame.header.request;
  auto timer = std::make_shared<Timer>();
  timer->start(router_.reactor(), cancel_grace, [answer, timer] {
    answer->send(true);
    timer->stop();
  });
  // The calls hold a token; when the last one is gone, all have ended.
  std::shared_ptr<void> token(nullptr, [answer, timer, &reactor = router_.reactor()](void*) {
    answer->send(false);
    reactor.post([timer] { timer->stop(); });  // else it would keep the loop, and all that it refers to, for a while
  });
  interrupt_running(token);
}

}  // namespace cohort
