#include "remote/future_state.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <cohort/error.hpp>

#include "membership/open_request.hpp"
#include "remote/call_context.hpp"
#include "remote/exception_codec.hpp"
#include "remote/messages.hpp"
#include "remote/references.hpp"

namespace cohort::detail {

namespace {
constexpr const char* future_of = "a future of process";
constexpr const char* set_only_once = "Future can be set only once";
constexpr const char* set_by_call = "Future can be set only once: its value comes from the call that made it";

// Why the owner refused a put: the Error that a put in the owner's process throws. What else went wrong there, as
// having no memory for the value, is told as that of a call.
[[noreturn]] void throw_refusal(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const RemoteException& remote) {
    try {
      if (remote.cause() != nullptr) std::rethrow_exception(remote.cause());
    } catch (const Error&) {
      throw;
    } catch (...) {
    }
    throw;
  }
}

}  // namespace

enum class FutureState::Ask : std::uint8_t { value = 0, wait = 1, poll = 2 };  // as FetchMode

// A question to the owner. Its answer settles the future, but for a poll.
class FutureState::Query final : public Request {
 public:
  Query(FuturePtr state, Ask asked, ReceivingMemory memory)
      : what(asked), state_(std::move(state)), memory_(std::move(memory)) {}

  std::shared_ptr<std::byte> memory_for(std::size_t size) noexcept override { return memory_.take(size); }

  void on_result(Frame&& frame) noexcept override {
    if (what == Ask::poll) {
      ready = frame.header.flags != result_pending;
      return;
    }
    state_->receive(std::move(frame), false);
  }
  void on_lost(const std::string& cause) noexcept override { state_->on_lost(cause); }

  const Ask what;
  bool ready = false;

 private:
  const FuturePtr state_;
  ReceivingMemory memory_;
};

FutureState::FutureState(std::shared_ptr<References> references, RefId ref_id, Pid owner_pid, bool of_call)
    : Reference(std::move(references), ref_id, owner_pid), of_call_(of_call) {}

std::size_t FutureState::bytes() {
  MutexLock lock(mutex_);
  return payload_ == nullptr ? 0 : payload_->byte_size();
}

FutureState::Settled FutureState::settle(Status status) {
  const bool first = status_ == Status::pending;
  status_ = status;
  auto callbacks = std::exchange(callbacks_, {});
  if (status != Status::elsewhere)
    std::ranges::move(std::exchange(callbacks_when_here_, {}), std::back_inserter(callbacks));
  return {first, !callbacks_when_here_.empty(), std::move(callbacks)};
}

void FutureState::tell(Settled settled) {
  if (settled.first) references_->router().reactor().complete(shared_from_this());
  for (auto& callback : settled.callbacks) callback();
  if (!settled.wanted_here) return;
  MutexLock lock(mutex_);
  ask_or_fail(Ask::value);
}

/// @param counted_off the owner has taken this process off the entry already: it pushed the result of a call.
void FutureState::receive(Frame&& frame, bool counted_off) {
  const auto flag = frame.header.flags;
  auto payload = std::make_shared<Payload>();
  payload->body = std::move(frame.body);
  payload->segments = std::move(frame.segments);
  if (!frame.references.empty()) payload->references = references_->adopt(frame.references);
  if (counted_off && flag != result_stored) add_held(-1);
  if (flag == result_stored) references_->remember(shared_from_this());  // it may have to move
  MutexLock lock(mutex_);
  if (payload_ != nullptr || object_ != nullptr || exception_ != nullptr) return;
  if (flag == result_stored) {
    if (query_ != nullptr && query_->what != Ask::value) query_ = nullptr;
    auto settled = settle(Status::elsewhere);
    lock.unlock();
    tell(std::move(settled));
    // It was listed before: either it is asked for here, or by whoever goes through the list when the draining begins.
    if (references_->router().is_draining(owner)) on_here([] {});
    return;
  }
  query_ = nullptr;
  if (flag == result_exception)
    exception_ = decode_exception(*payload, owner);
  else
    payload_ = std::move(payload);
  auto settled = settle(flag == result_exception ? Status::failed : Status::value);
  lock.unlock();
  tell(std::move(settled));
  let_go();
}

void FutureState::on_result(Frame&& frame) noexcept { receive(std::move(frame), true); }

void FutureState::on_lost(const std::string& cause) noexcept {
  fail(std::make_exception_ptr(ProcessExitedException(owner, cause)));
}

// Returns the question under way, sending it, without the lock, if there is none that answers `what`.
std::shared_ptr<FutureState::Query> FutureState::ask(Ask what, ReceivingMemory memory) {
  if (query_ != nullptr && (query_->what == what || query_->what == Ask::value) && what != Ask::poll) return query_;
  auto query = std::make_shared<Query>(shared_from_this(), what, std::move(memory));
  if (what != Ask::poll) query_ = query;
  try {
    const MutexUnlock unlocked(mutex_);
    Router& router = references_->router();
    // On the loop, where nobody can wait for a new one, it was there just now.
    auto connection = router.reactor().on_loop() ? router.existing_connection(owner) : router.connection_to(owner);
    if (connection == nullptr) throw ProcessExitedException(owner, "the connection ended");
    Payload payload;
    OutArchive archive(payload);
    archive(std::int32_t{ref.whence}, ref.id, static_cast<std::uint8_t>(what));
    OpenRequest open(*connection, query);
    connection->send(FrameKind::fetch, open.id(), payload.body.span(), SendQueue::Mode::before_wait);
    open.sent();
  } catch (...) {
    if (query_ == query) query_ = nullptr;
    throw;
  }
  return query;
}

bool FutureState::ready() {
  MutexLock lock(mutex_);
  if (status_ != Status::pending) return true;
  if (!must_ask() || query_ != nullptr) return false;
  auto query = ask(Ask::poll);
  lock.unlock();
  wait_interruptibly(references_->router().reactor(), *query);
  return query->ready || done();
}

bool FutureState::wait_until(Clock::time_point deadline) {
  MutexLock lock(mutex_);
  if (status_ != Status::pending) return true;
  if (must_ask()) ask(Ask::wait);
  lock.unlock();
  return wait_interruptibly(references_->router().reactor(), *this, deadline);
}

void FutureState::wait(const WaitOptions& options) {
  MutexLock lock(mutex_);
  if (status_ == Status::pending) {
    if (must_ask()) ask(Ask::wait);
    lock.unlock();
    wait_interruptibly(references_->router().reactor(), *this, options, future_of, owner);
    lock.lock();
  }
  if (status_ == Status::failed) std::rethrow_exception(exception_);
}

// Until object_ or payload_ is set. @throws the exception with which it failed.
void FutureState::wait_until_here(const WaitOptions& options, ReceivingMemory memory) {
  for (;;) {
    if (status_ == Status::failed) std::rethrow_exception(exception_);
    if (object_ != nullptr || payload_ != nullptr) return;
    if (taken_) throw Error("the value of this Future was moved out by get()");
    Reactor& reactor = references_->router().reactor();
    const auto query = status_ == Status::elsewhere || must_ask() ? ask(Ask::value, std::move(memory)) : nullptr;
    const MutexUnlock unlocked(mutex_);
    if (query != nullptr)
      wait_interruptibly(reactor, *query, options, future_of, owner);
    else
      wait_interruptibly(reactor, *this, options, future_of, owner);
  }
}

std::shared_ptr<const void> FutureState::object(Decoder decoder, const WaitOptions& options) {
  MutexLock lock(mutex_);
  wait_until_here(options);
  if (object_ == nullptr) {
    const auto payload = payload_;
    lock.unlock();
    auto object = decoder(*payload);
    lock.lock();
    if (object_ == nullptr) object_ = std::move(object);
  }
  return object_;
}

TakenObject FutureState::take(Decoder decoder, Taking taking, const WaitOptions& options) {
  auto memory = ReceiveInto::take();  // before a wait may run other things on this thread
  MutexLock lock(mutex_);
  wait_until_here(options, std::move(memory));
  // Others may ask for it, or are about to send it.
  if (payload_ == nullptr && taking == Taking::move && (shared_ || encoding_ > 0)) encoded_result(encoder_);
  if (payload_ != nullptr) {
    const auto payload = payload_;
    lock.unlock();
    return {decoder(*payload), true};
  }
  if (taking == Taking::copy) return {object_, false};
  taken_ = true;
  return {std::exchange(object_, nullptr), true};
}

void FutureState::put(std::shared_ptr<const void> object, Encoder encoder) {
  if (owned_here())
    put_here(std::move(object), encoder);
  else
    put_there(std::move(object), encoder);
}

void FutureState::put_here(std::shared_ptr<const void> object, Encoder encoder) {
  MutexLock lock(mutex_);
  if (status_ != Status::pending || putting_) throw Error(set_only_once);
  if (of_call_) throw Error(set_by_call);
  putting_ = true;
  if (shared_) {
    lock.unlock();
    std::shared_ptr<const Payload> payload;
    try {
      payload = std::make_shared<const Payload>(encoder(object));
    } catch (...) {
      lock.lock();
      putting_ = false;
      throw;
    }
    lock.lock();
    payload_ = std::move(payload);
  }
  object_ = std::move(object);
  encoder_ = encoder;
  auto settled = settle(Status::value);
  lock.unlock();
  tell(std::move(settled));
}

void FutureState::put_there(std::shared_ptr<const void> object, Encoder encoder) {
  struct Put final : Request {
    std::exception_ptr failure;
    Pid owner = no_pid;
    void on_result(Frame&& frame) noexcept override {
      if (frame.header.flags != result_exception) return;
      Payload payload;
      payload.body = std::move(frame.body);
      payload.segments = std::move(frame.segments);
      failure = decode_exception(payload, owner);
    }
    void on_lost(const std::string& cause) noexcept override {
      failure = std::make_exception_ptr(ProcessExitedException(owner, cause));
    }
  };
  {
    MutexLock lock(mutex_);
    if (status_ != Status::pending) throw Error(set_only_once);
    if (of_call_) throw Error(set_by_call);
  }
  auto payload = std::make_shared<Payload>(encoder(object));
  Payload message;
  {
    OutArchive archive(message);
    archive(std::int32_t{ref.whence}, ref.id);
    message.body.append(payload->body.data(), payload->body.size());
    message.segments = payload->segments;
    message.references = payload->references;
  }
  Router& router = references_->router();
  auto connection = router.connection_to(owner);
  auto put = std::make_shared<Put>();
  put->owner = owner;
  OpenRequest open(*connection, put);
  references_->send(*connection, FrameKind::put, 0, open.id(), message, SendQueue::Mode::before_wait);
  open.sent();
  wait_interruptibly(router.reactor(), *put);
  if (put->failure) throw_refusal(put->failure);
  MutexLock lock(mutex_);
  if (status_ != Status::pending) return;
  object_ = std::move(object);
  payload_ = std::move(payload);
  auto settled = settle(Status::value);
  lock.unlock();
  tell(std::move(settled));
  let_go();
}

void FutureState::set_payload(std::shared_ptr<const Payload> payload) {
  MutexLock lock(mutex_);
  if (status_ != Status::pending || putting_) throw Error(set_only_once);
  payload_ = std::move(payload);
  auto settled = settle(Status::value);
  lock.unlock();
  tell(std::move(settled));
}

void FutureState::put_payload(std::shared_ptr<const Payload> payload) {
  if (of_call_ && !done()) throw Error(set_by_call);
  set_payload(std::move(payload));
}

void FutureState::mark_shared() {
  MutexLock lock(mutex_);
  shared_ = true;
}

void FutureState::fail(std::exception_ptr exception) {
  MutexLock lock(mutex_);
  if (payload_ != nullptr || object_ != nullptr || exception_ != nullptr) return;
  query_ = nullptr;
  exception_ = std::move(exception);
  auto settled = settle(Status::failed);
  lock.unlock();
  tell(std::move(settled));
}

// A result that is pushed to the caller leaves its owner, unless somebody is counted besides. So this process has
// itself counted once more, and waits for the word: a result that left before that is here by then.
void FutureState::keep_at_owner() {
  std::optional<Sending> sending;  // else the result, on its way here, would give back what is not counted yet
  {
    MutexLock lock(mutex_);
    if (status_ != Status::pending || !of_call_ || owned_here() || kept_) return;
    sending.emplace(shared_from_this());
  }
  try {
    references_->enter_at_owner(shared_from_this(), *sending);
    MutexLock lock(mutex_);
    kept_ = true;
  } catch (const ProcessExitedException&) {
    fail(std::current_exception());
  }
}

void FutureState::cancel() {
  {
    MutexLock lock(mutex_);
    if (status_ != Status::pending) return;
  }
  cancel_call();
}

void FutureState::abandon(std::exception_ptr failure) {
  fail(std::move(failure));  // first: the call's own end may come at once
  cancel_call();
}

void FutureState::cancel_call() {
  Router& router = references_->router();
  if (auto context = maker.lock()) {
    context->interrupt(router.reactor());
  } else if (of_call_ && !owned_here()) {
    if (auto connection = router.existing_connection(owner)) send_cancel(*connection, request);
  }
}

void FutureState::on_settled(std::function<void()> callback) {
  MutexLock lock(mutex_);
  if (status_ == Status::pending) {
    callbacks_.push_back(std::move(callback));
    if (must_ask()) ask_or_fail(Ask::wait);
    return;
  }
  lock.unlock();
  callback();
}

void FutureState::on_here(std::function<void()> callback) {
  MutexLock lock(mutex_);
  if (status_ == Status::value || status_ == Status::failed) {
    lock.unlock();
    callback();
    return;
  }
  callbacks_when_here_.push_back(std::move(callback));
  if (status_ == Status::elsewhere || must_ask()) ask_or_fail(Ask::value);
}

bool FutureState::here() {
  MutexLock lock(mutex_);
  return status_ == Status::value || status_ == Status::failed;
}

void FutureState::ask_or_fail(Ask what) {
  try {
    ask(what);
  } catch (...) {  // the owner cannot be asked: that is the outcome
    const MutexUnlock unlocked(mutex_);
    fail(std::current_exception());
  }
}

std::optional<FutureState::EncodedResult> FutureState::result(Encoder encoder) {
  MutexLock lock(mutex_);
  return encoded_result(encoder);
}

// Encodes without the lock.
std::optional<FutureState::EncodedResult> FutureState::encoded_result(Encoder encoder) {
  if (status_ == Status::failed) return EncodedResult{nullptr, exception_};
  if (status_ != Status::value) return std::nullopt;
  if (payload_ == nullptr) {
    const auto object = object_;
    if (object == nullptr) throw Error("the value of this Future was moved out by get()");
    if (encoder == nullptr) encoder = encoder_;
    std::shared_ptr<const Payload> payload;
    encoding_++;
    try {
      const MutexUnlock unlocked(mutex_);
      payload = std::make_shared<const Payload>(encoder(object));
    } catch (...) {
      encoding_--;
      throw;
    }
    encoding_--;
    if (payload_ == nullptr) payload_ = std::move(payload);
  }
  return EncodedResult{payload_, nullptr};
}

FutureState::Shipment FutureState::ship(Encoder encoder) {
  keep_at_owner();
  auto self = shared_from_this();
  Shipment shipment;
  {
    MutexLock lock(mutex_);
    shipment.result = encoded_result(encoder);
    if (shipment.result) return shipment;
    shared_ = true;
    if (owned_here()) {
      shipment.handle = std::move(self);
      return shipment;
    }
    shipment.handle = {std::make_shared<Sending>(self), this};
  }
  references_->remember(self);
  return shipment;
}

}  // namespace cohort::detail
