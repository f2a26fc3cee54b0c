#include "remote/call_server.hpp"

#include <cstring>
#include <utility>
#include <vector>

#include <cohort/archive.hpp>
#include <cohort/error.hpp>

#include "base/forked_child.hpp"
#include "base/log.hpp"
#include "remote/exception_codec.hpp"
#include "remote/messages.hpp"
#include "remote/registry.hpp"
#include "remote/response.hpp"

namespace cohort {
namespace {

constexpr Duration cancel_grace = std::chrono::seconds(1);

constexpr std::size_t loop_limit = 32 << 10;  // a longer body is copied and decoded on a pool thread

// Null: on a pool thread.
const detail::Thunk* thunk_for_loop(const Frame& frame) {
  detail::FunctionId function;
  if (frame.header.kind != FrameKind::remote_do && frame.header.kind != FrameKind::call_fetch) return nullptr;
  if (frame.body.size() > loop_limit || frame.body.size() < sizeof function) return nullptr;
  std::memcpy(&function, frame.body.data(), sizeof function);
  const auto* thunk = find_known_thunk(function);
  return thunk != nullptr && thunk->try_on_loop != nullptr ? thunk : nullptr;
}

void log_failure_of_do(const std::exception_ptr& failure) {
  log_error("a function called by remote_do threw: " + message_of(failure));
}

Payload take_payload(Frame&& frame, References& references) {
  Payload payload;
  payload.body = std::move(frame.body);
  payload.segments = std::move(frame.segments);
  if (!frame.references.empty()) payload.references = references.adopt(frame.references);
  return payload;
}

// Only a pool thread waits when the connection is clogged.
void wait_for_room(Router& router, const std::shared_ptr<Completion>& ticket) {
  if (ticket != nullptr && !router.reactor().on_loop()) router.reactor().wait(*ticket);
}

// Sends a result that is encoded already. On any thread.
void send_result(Router& router, References& references, const std::shared_ptr<Connection>& connection,
                 std::uint64_t request, std::uint8_t flag, const Payload& payload, SendQueue::Mode mode) {
  wait_for_room(router, send_response_now(references, connection, request, flag, payload, mode));
}

}  // namespace

class CallServer::CallTask final : public PoolTask, public Call, public detail::DeferredReply {
 public:
  CallTask(CallServer& server, std::shared_ptr<Connection> from, const FrameHeader& frame_header, Payload payload)
      : Call(std::move(from), frame_header), server_(server), payload_(std::move(payload)) {
    server_.tasks_.fetch_add(1, std::memory_order_relaxed);
  }
  ~CallTask() override { server_.tasks_.fetch_sub(1, std::memory_order_relaxed); }

  void run() noexcept override {
    detail::ThrowStackScope stack_scope;
    Payload returned;
    std::exception_ptr failure;
    {
      {
        detail::MutexLock lock(server_.mutex_);
        if (withdrawn) return;
        started = true;
        server_.running_.push_back(*this);
      }
      CallScope scope({&server_.router_, &server_.references_}, this);
      Payload payload = std::move(payload_);
      try {
        if (interrupted()) throw CancelledException("called off before it ran");
        InArchive archive(std::move(payload));
        detail::FunctionId function;
        archive(function.module, function.offset);
        if (header.kind == FrameKind::call) {
          std::uint64_t ref = 0;  // read by name_of_result()
          archive(ref);
        }
        find_thunk(function).invoke(archive, returned);
        end_if_forked_child();
      } catch (...) {
        failure = std::current_exception();
        end_if_forked_child();
      }
      // References that came along are released here, before the caller hears that the call is over.
    }
    if (!deferred_) finish(std::move(returned), failure);
  }

  void refuse() noexcept override {
    {
      detail::MutexLock lock(server_.mutex_);
      if (withdrawn) return;
    }
    finish({}, std::make_exception_ptr(Error("all threads of the worker are blocked in calls that wait for others",
                                             ErrorKind::overloaded)));
  }

  std::shared_ptr<detail::DeferredReply> defer() override {
    deferred_ = true;
    return std::static_pointer_cast<CallTask>(shared_from_this());
  }

  void finish(Payload returned, std::exception_ptr failure) noexcept override {
    {
      std::shared_ptr<void> tell;
      detail::MutexLock lock(server_.mutex_);
      server_.open_.erase(*this);
      RunningHook::unlink();
      tell.swap(interrupted_by);
    }
    try {
      try {
        reply(std::move(returned), failure);
      } catch (...) {  // before anything was sent: what replying threw is the answer
        reply({}, std::current_exception());
      }
    } catch (...) {
      guard_loop([&] { connection->close("an answer could not be sent: " + message_of(std::current_exception())); });
    }
  }

 private:
  void reply(Payload returned, const std::exception_ptr& failure) {
    const Pid self = server_.router_.self();
    if (header.kind == FrameKind::remote_do) {
      if (failure) log_failure_of_do(failure);
      return;
    }
    const auto mode = gather && !deferred_ ? SendQueue::Mode::gather : SendQueue::Mode::before_wait;
    auto send = [&](std::uint8_t flag, const Payload& payload) {
      send_result(server_.router_, server_.references_, connection, header.request, flag, payload, mode);
    };
    if (failure) {
      send(result_exception, encode_exception(failure, self));
      if (header.kind == FrameKind::call)
        close_result([&](detail::FutureState& future) { future.fail(as_remote_exception(failure, self)); });
      return;
    }
    if (header.kind == FrameKind::call_fetch) {
      const auto ticket =
          send_response_now(server_.references_, connection, header.request, result_value, returned, mode);
      returned = {};  // who owns its segments may wait for that
      return wait_for_room(server_.router_, ticket);
    }
    const bool eager = returned.byte_size() <= eager_result_limit || !server_.keeps_large_results_.load();
    if (!eager) {
      if (const auto future = server_.references_.close_and_keep(result)) {
        future->set_payload(std::make_shared<const Payload>(std::move(returned)));
        send(result_stored, Payload{});
      }
      return;
    }
    send(result_value, returned);
    close_result(
        [&](detail::FutureState& future) { future.set_payload(std::make_shared<const Payload>(std::move(returned))); });
  }

  template <class Settle>
  void close_result(Settle settle) {
    const auto future = server_.references_.close(result);
    if (future == nullptr) return;
    settle(*future);
    server_.references_.leave(future->ref, connection->peer());
  }

  CallServer& server_;
  Payload payload_;
  bool deferred_ = false;  // of the thread in run()
};

// The name that the caller has given to the result of a call. @throws BadMessage.
RefId CallServer::name_of_result(const Connection& connection, const Frame& frame) {
  if (frame.header.kind != FrameKind::call) return {};
  RefId ref{connection.peer(), 0};
  // module, offset, then the id of the value; the rest is the function's business
  constexpr std::size_t place = 2 * sizeof(std::uint64_t);
  if (frame.body.size() < place + sizeof ref.id) throw BadMessage("a call without a function");
  std::memcpy(&ref.id, frame.body.data() + place, sizeof ref.id);
  return ref;
}

std::shared_ptr<CallServer::CallTask> CallServer::make_task(const std::shared_ptr<Connection>& connection,
                                                            const FrameHeader& header, RefId ref, Payload payload) {
  auto task = std::make_shared<CallTask>(*this, connection, header, std::move(payload));
  if (header.kind == FrameKind::call) {
    task->result.ref = ref;
    task->result.caller = connection->peer();
    references_.open(task->result);
  }
  return task;
}

void CallServer::on_call_without_room(const std::shared_ptr<Connection>& connection, const Frame& frame,
                                      const std::exception_ptr& failure) {
  make_task(connection, frame.header, name_of_result(*connection, frame), {})->finish({}, failure);
}

bool CallServer::try_on_loop(const detail::Thunk& thunk, const std::shared_ptr<Connection>& connection,
                             const FrameHeader& header, const Payload& payload) {
  Payload result;
  std::exception_ptr failure;
  try {
    const CallScope scope({&router_, &references_}, nullptr);
    InArchive archive(payload);
    detail::FunctionId function;
    archive(function.module, function.offset);
    if (!thunk.try_on_loop(archive, result)) return false;
  } catch (...) {
    failure = std::current_exception();
  }
  if (header.kind == FrameKind::remote_do) {
    if (failure) log_failure_of_do(failure);
  } else {
    if (failure) result = encode_exception(failure, router_.self());
    send_result(router_, references_, connection, header.request, failure ? result_exception : result_value, result,
                SendQueue::Mode::gather_on_loop);
  }
  return true;
}

void CallServer::on_call(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  const FrameHeader header = frame.header;
  const auto* thunk = thunk_for_loop(frame);
  const RefId ref = name_of_result(*connection, frame);
  Payload payload = take_payload(std::move(frame), references_);
  if (thunk != nullptr && try_on_loop(*thunk, connection, header, payload)) return;
  auto task = make_task(connection, header, ref, std::move(payload));
  {
    detail::MutexLock lock(mutex_);
    if (header.kind != FrameKind::remote_do) open_.insert(*task);
  }
  router_.reactor().submit(std::move(task));
}

void CallServer::answer(const std::shared_ptr<Connection>& connection, std::uint64_t request,
                        const detail::FutureState::EncodedResult& result, SendQueue::Mode mode) {
  if (result.payload != nullptr) return send_response(references_, {connection, request, result.payload}, mode);
  auto text = std::make_shared<const Payload>(encode_exception(result.exception, router_.self()));
  send_response(references_, {connection, request, std::move(text), result_exception}, mode);
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
    const detail::FutureState::EncodedResult missing{
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
    const auto result = settled->result(nullptr);
    if (mode == FetchMode::wait && result->payload != nullptr) {
      send_result(router_, references_, asker, request, result_stored, {}, send_mode);
    } else {
      answer(asker, request, *result, send_mode);
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
    state->put_payload(std::move(payload));
  } catch (...) {
    flag = result_exception;
    result = encode_exception(std::current_exception(), router_.self());
  }
  send_result(router_, references_, connection, request, flag, result, SendQueue::Mode::gather_on_loop);
}

bool CallServer::idle() {
  detail::MutexLock lock(mutex_);
  return running_.empty();
}

std::size_t CallServer::interrupt_running(const std::shared_ptr<void>& told_at_end) {
  std::vector<std::shared_ptr<CallContext>> running;
  {
    detail::MutexLock lock(mutex_);
    for (Call& call : running_) {
      call.interrupted_by = told_at_end;
      running.push_back(call.shared_from_this());
    }
  }
  for (const auto& call : running) call->interrupt(router_.reactor());
  router_.local_calls().interrupt_all(router_.reactor());  // what they wait for in this process, and others
  return running.size();
}

void CallServer::call_off(const Connection& caller, std::uint64_t request) {
  std::shared_ptr<CallContext> found;
  {
    detail::MutexLock lock(mutex_);
    Call* call = open_.find(Key(&caller, request));
    if (call != nullptr) found = call->shared_from_this();
  }
  if (found != nullptr) found->interrupt(router_.reactor());  // else it has ended meanwhile
}

template <class F>
void CallServer::call_off_if(F which) {
  std::vector<std::shared_ptr<CallContext>> found;
  {
    detail::MutexLock lock(mutex_);
    for (Call& call : open_) {
      if (which(call)) found.push_back(call.shared_from_this());
    }
  }
  for (const auto& call : found) call->interrupt(router_.reactor());
}

void CallServer::on_closed(const Connection& connection) {
  call_off_if([&](const Call& call) {
    return call.connection.get() == &connection && call.header.kind == FrameKind::call_fetch;
  });
}

void CallServer::drop_client(Pid client) {
  call_off_if([&](const Call& call) {
    if (call.caller != client || call.header.kind == FrameKind::remote_do) return false;
    return call.header.kind == FrameKind::call_fetch || !references_.is_held(call.result.ref);
  });
}

// Its task stays in the pool's queue, and does nothing when its turn comes.
void CallServer::withdraw(const std::shared_ptr<Connection>& caller, std::uint64_t request) {
  {
    detail::MutexLock lock(mutex_);
    Call* found = open_.find(Key(caller.get(), request));
    if (found == nullptr || found->started || found->header.kind != FrameKind::call_fetch) return;
    found->withdrawn = true;
    open_.erase(*found);
  }
  caller->send(FrameKind::result, result_withdrawn, request, Payload{}, SendQueue::Mode::gather_on_loop);
}

void CallServer::on_cancel(const std::shared_ptr<Connection>& connection, const Frame& frame) {
  switch (frame.header.flags) {
    case cancel_call:
      return call_off(*connection, frame.header.request);
    case cancel_waiting:
      return withdraw(connection, frame.header.request);
    default:
      return interrupt_all(connection, frame.header.request);
  }
}

void CallServer::interrupt_all(const std::shared_ptr<Connection>& connection, std::uint64_t request) {
  // Held by every interrupted call and by the timer: whichever is last, or the timer, answers.
  struct SharedAnswer {
    std::shared_ptr<Connection> connection;
    std::uint64_t request;
    std::atomic<bool> answered{false};
    void send(bool still_running) {
      if (answered.exchange(true)) return;
      const std::byte body{still_running};
      connection->send(FrameKind::result, request, std::span(&body, 1), SendQueue::Mode::now);
    }
  };
  auto answer = std::make_shared<SharedAnswer>();
  answer->connection = connection;
  answer->request = request;
  auto timer = std::make_shared<Timer>();
  timer->start(router_.reactor(), cancel_grace, [answer, timer] {
    answer->send(true);
    timer->stop();
  });
  // The calls hold a token; when the last one is gone, all have ended.
  std::shared_ptr<void> token(nullptr, [answer, timer, &reactor = router_.reactor()](void*) {
    guard_loop([&] {
      answer->send(false);
      reactor.post([timer] { timer->stop(); });  // else it would keep the loop, and all that it refers to, for a while
    });
  });
  interrupt_running(token);
}

}  // namespace cohort
