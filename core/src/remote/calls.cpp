#include "remote/calls.hpp"

#include <cstring>
#include <utility>

#include <cohort/async.hpp>
#include <cohort/detail/payload.hpp>
#include <cohort/error.hpp>

#include "base/log.hpp"
#include "io/blocking_pool.hpp"
#include "membership/open_request.hpp"
#include "remote/call_context.hpp"
#include "remote/exception_codec.hpp"
#include "remote/messages.hpp"
#include "remote/references.hpp"
#include "remote/unsent.hpp"

// The calling side of remote calls: what the templates of the public headers use.

namespace cohort::detail {
namespace {

constexpr std::size_t gather_after = 8;  // more calls than this open on a connection: they are sent together
// Less than what interrupt() gives to a function that waits for such a call.
constexpr Duration last_word = std::chrono::milliseconds(500);

thread_local ReceiveInto* receive_into = nullptr;

class FetchCall final : public Request {
 public:
  FetchCall(Pid worker, ReceivingMemory memory) : worker_(worker), memory_(std::move(memory)) {}
  ~FetchCall() override {
    // References that came too late are counted for this process all the same: take them, and let them go.
    if (abandoned_by_ != nullptr && !frame_.references.empty())
      guard_loop([&] { abandoned_by_->adopt(frame_.references); });
  }
  void abandon(References& references) { abandoned_by_ = references.shared_from_this(); }
  std::shared_ptr<std::byte> memory_for(std::size_t size) noexcept override { return memory_.take(size); }
  void on_result(Frame&& frame) noexcept override { frame_ = std::move(frame); }
  void on_lost(const std::string& cause) noexcept override {
    lost_ = true;
    cause_ = cause;
  }
  Payload take(References& references) {
    if (lost_) throw ProcessExitedException(worker_, cause_);
    Payload payload;
    payload.body = std::move(frame_.body);
    payload.segments = std::move(frame_.segments);
    if (!frame_.references.empty()) payload.references = references.adopt(frame_.references);
    if (frame_.header.flags == result_exception) std::rethrow_exception(decode_exception(payload, worker_));
    return payload;
  }

 private:
  const Pid worker_;
  ReceivingMemory memory_;
  std::shared_ptr<References> abandoned_by_;
  Frame frame_{};
  bool lost_ = false;
  std::string cause_;
};

constexpr const char* call_on = "a call on process";  // what a wait was for, in errors

[[nodiscard]] Unsent send_call(const CurrentNode& node, const std::shared_ptr<Connection>& connection, FrameKind kind,
                               std::uint64_t request, std::span<const std::byte> prefix, const Payload& arguments,
                               SendQueue::Mode mode) {
  return {connection, node.references->send(*connection, kind, 0, request, arguments, mode, prefix)};
}

/// Sends a call whose result stays with `pid`. The borrowed segments are needed as long as it is unsent.
FuturePtr start_call(const CurrentNode& node, Pid pid, FunctionId function, const Payload& arguments, Unsent& unsent) {
  auto connection = node.router->connection_to(pid);
  auto state = node.references->make_for_call(pid);
  OpenRequest open(*connection, state);
  state->request = open.id();
  struct {
    FunctionId function;
    std::uint64_t ref;
  } const prefix{function, state->ref.id};
  unsent = send_call(node, connection, FrameKind::call, open.id(), std::as_bytes(std::span(&prefix, 1)), arguments,
                     open.open() > gather_after ? SendQueue::Mode::gather : SendQueue::Mode::now);
  open.sent();
  state->add_held(1);  // the owner enters it as the call arrives
  return state;
}

}  // namespace

ReceiveInto::ReceiveInto(ReceivingMemory memory)
    : memory_(std::move(memory)), outer_(std::exchange(receive_into, this)) {}
ReceiveInto::~ReceiveInto() { receive_into = outer_; }
ReceivingMemory ReceiveInto::take() {
  return receive_into == nullptr ? ReceivingMemory{} : std::move(receive_into->memory_);
}

Payload call_fetch(Pid pid, FunctionId function, Payload& arguments, const WaitOptions& options, GivingUp giving_up) {
  const CurrentNode node = CurrentNode::get();
  auto call = std::make_shared<FetchCall>(pid, ReceiveInto::take());  // before a wait may run other things here
  auto connection = node.router->connection_to(pid);
  OpenRequest open(*connection, call);
  auto unsent = send_call(node, connection, FrameKind::call_fetch, open.id(), std::as_bytes(std::span(&function, 1)),
                          arguments, SendQueue::Mode::before_wait);
  open.sent();
  try {
    unsent.wait(*node.router, options, call_on);
    wait_interruptibly(node.router->reactor(), *call, options, call_on, pid);
  } catch (...) {
    send_cancel(*connection, open.id());
    if (giving_up == GivingUp::with_last_word &&
        node.router->reactor().wait(*call, Clock::now() + last_word) == WaitResult::done) {
      try {
        return call->take(*node.references);  // it had its result already, which must not be lost
      } catch (const std::exception&) {
      }
      throw;
    }
    call->abandon(*node.references);
    throw;
  }
  return call->take(*node.references);
}

FuturePtr call(Pid pid, FunctionId function, Payload& arguments) {
  const CurrentNode node = CurrentNode::get();
  Unsent unsent;
  auto state = start_call(node, pid, function, arguments, unsent);
  unsent.wait(*node.router, {}, call_on);
  SyncScope::enlist(state);
  return state;
}

std::vector<FuturePtr> call_each(std::span<const Pid> pids, FunctionId function, const Payload& arguments,
                                 const WaitOptions& options) {
  const CurrentNode node = CurrentNode::get();
  std::vector<FuturePtr> states(pids.size());
  std::vector<Unsent> unsent(pids.size());
  for (std::size_t i = 0; i < pids.size(); i++) {
    try {
      states[i] = start_call(node, pids[i], function, arguments, unsent[i]);
    } catch (...) {
      states[i] = node.references->make_local();
      states[i]->fail(std::current_exception());
    }
  }
  for (auto& one : unsent) {
    try {
      one.wait(*node.router, options, call_on);
    } catch (const Error&) {  // the caller, which waits for the answers with the same limits, finds the same
    }
  }
  return states;
}

void call_do(Pid pid, FunctionId function, Payload& arguments) {
  const CurrentNode node = CurrentNode::get();
  auto connection = node.router->connection_to(pid);
  auto unsent = send_call(node, connection, FrameKind::remote_do, 0, std::as_bytes(std::span(&function, 1)), arguments,
                          SendQueue::Mode::now);
  unsent.wait(*node.router, {}, call_on);
}

void copy_unsent(Pid pid, const void* owner) {
  const CurrentNode node = CurrentNode::get();
  if (const auto connection = node.router->existing_connection(pid)) connection->copy_unsent(owner);
}

std::exception_ptr current_as_remote() {
  return as_remote_exception(std::current_exception(), CurrentNode::get().router->self());
}

FuturePtr make_future(Pid owner) {
  const CurrentNode node = CurrentNode::get();
  if (owner == no_pid || owner == node.router->self()) return node.references->make_local();
  return node.references->make_remote(owner);
}

Pid future_owner(const FutureState& state) { return state.owner; }
bool future_ready(FutureState& state) { return state.ready(); }
bool future_is_here(FutureState& state) { return state.here(); }
bool future_wait_until(FutureState& state, Clock::time_point deadline) { return state.wait_until(deadline); }
void future_wait(FutureState& state, const WaitOptions& options) { state.wait(options); }
TakenObject future_take(FutureState& state, Decoder decoder, Taking taking, const WaitOptions& options) {
  return state.take(decoder, taking, options);
}

std::shared_ptr<const void> future_object(FutureState& state, Decoder decoder, const WaitOptions& options) {
  return state.object(decoder, options);
}
void future_put(FutureState& state, std::shared_ptr<const void> object, Encoder encoder) {
  state.put(std::move(object), encoder);
}
void future_fail(FutureState& state, std::exception_ptr exception) { state.fail(std::move(exception)); }
void future_cancel(FutureState& state) { state.cancel(); }
void future_abandon(FutureState& state, std::exception_ptr exception) { state.abandon(std::move(exception)); }

// --- A fetched future travels with its value, an open one as a counted name. ---

namespace {

enum class Travels : std::uint8_t { nothing, value, failure, reference };

}  // namespace

void future_save(OutArchive& archive, const FuturePtr& state, Encoder encoder) {
  const auto write = [&](Travels what) { archive(static_cast<std::uint8_t>(what)); };
  if (state == nullptr) return write(Travels::nothing);
  const auto [result, handle] = state->ship(encoder);
  if (!result) {
    write(Travels::reference);
    archive(archive.add_reference(handle));
  } else if (result->payload != nullptr) {
    write(Travels::value);
    detail::save_payload(archive, *result->payload);
  } else {
    write(Travels::failure);
    detail::save_payload(archive, encode_exception(result->exception, state->owner));
  }
}

FuturePtr future_load(InArchive& archive, Decoder) {
  std::uint8_t what = 0;
  archive(what);
  References& references = *CurrentNode::get().references;
  switch (static_cast<Travels>(what)) {
    case Travels::nothing:
      return nullptr;
    case Travels::reference:
      return reference_as<FutureState>(archive.take_reference())->shared_from_this();
    case Travels::value: {
      auto state = references.make_local();
      state->set_payload(std::make_shared<const Payload>(detail::load_payload(archive)));
      return state;
    }
    case Travels::failure: {
      auto state = references.make_local();
      state->fail(decode_exception(detail::load_payload(archive), no_pid));
      return state;
    }
  }
  throw BadMessage("a future that is neither open nor set");
}

// --- Functions on this process's own pool. ---

namespace {

// Where no thread of the pool is left: all wait, perhaps for this very task, or the machine allows no more of them.
// What goes on when something else is over must run all the same, as nobody else tells those who wait for it.
template <class Rest>
void run_without_pool(const CurrentNode& node, Rest rest) noexcept {
  try {
    node.router->blocking().run(rest);
  } catch (const std::exception&) {
    rest();  // on the loop, which is better than never
  }
}

// Before something begins to wait that may have to go on so: later, no thread might be started.
void keep_thread_besides_pool(const CurrentNode& node) { node.router->blocking().start_first_thread(); }

class LocalTask : public PoolTask, public CallContext {
 public:
  LocalTask(CurrentNode node, std::function<void()> body, FuturePtr result)
      : CallContext(node.router->self()), node_(node), body_(std::move(body)), result_(std::move(result)) {}
  void run() noexcept override {
    CallScope scope(node_, this);
    const LocalCalls::Running listed(node_.router->local_calls(), *this);
    ThrowStackScope stack_scope;
    try {
      if (interrupted()) throw CancelledException("called off before it ran");
      body_();
    } catch (...) {
      report(std::current_exception());
    }
  }
  void refuse() noexcept override {
    report(std::make_exception_ptr(Error("all threads of this process are blocked", ErrorKind::overloaded)));
  }

 protected:
  const CurrentNode node_;

 private:
  void report(const std::exception_ptr& failure) {
    if (result_ != nullptr)
      result_->fail(as_remote_exception(failure, node_.router->self()));
    else
      report_forgotten(failure);
  }
  const std::function<void()> body_;
  const FuturePtr result_;
};

// What is called when a future is ready.
class ContinuationTask final : public LocalTask {
 public:
  ContinuationTask(CurrentNode node, std::function<void()> body) : LocalTask(node, std::move(body), nullptr) {}
  void refuse() noexcept override {
    run_without_pool(node_, [self = std::static_pointer_cast<ContinuationTask>(shared_from_this())] { self->run(); });
  }
};

// The next part of a coroutine, on behalf of the call that the coroutine belongs to.
class ResumeTask final : public PoolTask {
 public:
  ResumeTask(CurrentNode node, std::shared_ptr<CallContext> context, std::coroutine_handle<> handle)
      : node_(node), context_(std::move(context)), handle_(handle) {}
  void run() noexcept override {
    CallScope scope(node_, context_.get());
    handle_.resume();
  }
  void refuse() noexcept override {
    run_without_pool(node_, [rest = ResumeTask(*this)]() mutable { rest.run(); });
  }

 private:
  const CurrentNode node_;
  const std::shared_ptr<CallContext> context_;
  const std::coroutine_handle<> handle_;
};

}  // namespace

void report_forgotten(const std::exception_ptr& failure) noexcept {
  log_error("a function of this process threw: " + message_of(failure));
}

void run_here(std::function<void()> body, FuturePtr result) {
  const CurrentNode node = CurrentNode::get();
  auto task = std::make_shared<LocalTask>(node, std::move(body), result);
  if (result != nullptr) {
    result->maker = task->weak_from_this();
    SyncScope::enlist(result);
  }
  node.router->reactor().submit(std::move(task));
}

void future_on_ready(FutureState& state, std::function<void()> callback) {
  const CurrentNode node = CurrentNode::get();
  keep_thread_besides_pool(node);
  state.on_settled([node, callback = std::move(callback)]() mutable {
    node.router->reactor().submit(std::make_shared<ContinuationTask>(node, std::move(callback)));
  });
}

DeferredReply::~DeferredReply() = default;

std::shared_ptr<DeferredReply> defer_reply() { return CallContext::current()->defer(); }

void resume_when_here(const FuturePtr& state, const std::shared_ptr<Suspension>& suspension) {
  const CurrentNode node = CurrentNode::get();
  keep_thread_besides_pool(node);
  CallContext* current = CallContext::current();
  auto context = current == nullptr ? nullptr : current->shared_from_this();
  const auto resume = [node, suspension](std::shared_ptr<CallContext> call, bool interrupted) {
    if (suspension->resumed.exchange(true)) return;
    suspension->interrupted = interrupted;
    node.router->reactor().submit(std::make_shared<ResumeTask>(node, std::move(call), suspension->handle));
  };
  if (context != nullptr) {
    // The context keeps this callback, so the callback must not keep the context.
    context->when_interrupted([resume, weak = std::weak_ptr(context)] { resume(weak.lock(), true); });
  }
  state->on_here([resume, context] { resume(context, false); });
}

}  // namespace cohort::detail
