#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <cohort/detail/mutex.hpp>
#include <cohort/detail/runtime.hpp>

#include "membership/requests.hpp"
#include "remote/reference.hpp"

namespace cohort {

class CallContext;
class CallServer;

namespace detail {

/// One future in one process: the value itself if this process owns it, else what this process knows of it. All handles
/// of a process share one state. It is itself the request for the first answer.
class FutureState final : public Request, public Reference, public std::enable_shared_from_this<FutureState> {
 public:
  enum class Status {
    pending,    ///< no value yet, as far as is known here
    value,      ///< payload_ or object_ is set
    elsewhere,  ///< the owner has the value
    failed      ///< exception_ is set
  };
  /// A value that is present, ready to be sent.
  struct EncodedResult {
    std::shared_ptr<const Payload> payload;  // null: failed
    std::exception_ptr exception;
  };

  /// @param of_call a call at the owner makes the value, and nobody else may; the answer is sent to the caller without
  /// a request.
  FutureState(std::shared_ptr<References> references, RefId ref, Pid owner, bool of_call);

  // The call that makes the value, if this process made the call. Set before others know this object.
  std::uint64_t request = 0;         ///< to the owner, when the answer comes by itself
  std::weak_ptr<CallContext> maker;  ///< in this process

  // Request: the result of the call that makes the value.
  void on_result(Frame&& frame) noexcept override;
  void on_lost(const std::string& cause) noexcept override;

  bool ready();
  /// @return false: the deadline passed.
  bool wait_until(Clock::time_point deadline);
  /// @throws the exception with which it failed, TimeoutError, CancelledException.
  void wait(const WaitOptions& options);
  std::shared_ptr<const void> object(Decoder decoder, const WaitOptions& options);
  /// As object(), but for the caller alone if it can be: decoded once more, or, for Taking::move, moved out.
  TakenObject take(Decoder decoder, Taking taking, const WaitOptions& options);
  void put(std::shared_ptr<const void> object, Encoder encoder);
  void set_payload(std::shared_ptr<const Payload> payload);
  /// Owner: the value that another process puts. @throws Error as put().
  void put_payload(std::shared_ptr<const Payload> payload);
  void fail(std::exception_ptr exception);
  void cancel();
  /// Fails, unless it is settled already, and cancels the call that makes the value.
  void abandon(std::exception_ptr failure);
  /// Calls back when it is not pending any more, or at once if it already is not. The callback runs on the thread that
  /// settles it, so it must be short and not wait.
  void on_settled(std::function<void()> callback);
  /// Calls back when the value or the failure is in this process; fetches it.
  void on_here(std::function<void()> callback);
  /// Whether the value or the failure is in this process. Never waits.
  bool here();

  /// Returns the encoded value or exception; nullopt while it is not in this process. @param encoder null: the one of
  /// the put.
  std::optional<EncodedResult> result(Encoder encoder);
  /// For sending: that result if it is here, else a handle, which lives until the message is sent or dropped.
  struct Shipment {
    std::optional<EncodedResult> result;
    std::shared_ptr<Reference> handle;
  };
  Shipment ship(Encoder encoder);
  /// Call it when others may request the value: a put() then encodes it.
  void mark_shared();
  std::size_t bytes() override;

 private:
  class Query;
  enum class Ask : std::uint8_t;
  friend class ::cohort::CallServer;
  struct Settled {  // what is to be told without the lock
    bool first;
    bool wanted_here;
    std::vector<std::function<void()>> callbacks;
  };
  Settled settle(Status status) COHORT_REQUIRES(mutex_);
  void tell(Settled settled) COHORT_EXCLUDES(mutex_);
  void ask_or_fail(Ask what) COHORT_REQUIRES(mutex_);
  void receive(Frame&& frame, bool counted_off);
  void keep_at_owner();
  void cancel_call();
  std::optional<EncodedResult> encoded_result(Encoder encoder) COHORT_REQUIRES(mutex_);
  std::shared_ptr<Query> ask(Ask what, ReceivingMemory memory = {}) COHORT_REQUIRES(mutex_);
  void wait_until_here(const WaitOptions& options, ReceivingMemory memory = {}) COHORT_REQUIRES(mutex_);
  void put_here(std::shared_ptr<const void> object, Encoder encoder);
  void put_there(std::shared_ptr<const void> object, Encoder encoder);

  /// Whether the value is sent only on request.
  bool must_ask() const { return !owned_here() && !of_call_; }

  const bool of_call_;
  Mutex mutex_;  // not held while calling out
  Status status_ COHORT_GUARDED_BY(mutex_) = Status::pending;
  bool shared_ COHORT_GUARDED_BY(mutex_) = false;  // others may ask for the value: encode it when it is put
  bool putting_ COHORT_GUARDED_BY(mutex_) = false;
  bool kept_ COHORT_GUARDED_BY(mutex_) = false;  // by keep_at_owner()
  std::shared_ptr<const Payload> payload_ COHORT_GUARDED_BY(mutex_);
  std::shared_ptr<const void> object_ COHORT_GUARDED_BY(mutex_);
  Encoder encoder_ COHORT_GUARDED_BY(mutex_) = nullptr;
  int encoding_ COHORT_GUARDED_BY(mutex_) = 0;    // threads that encode object_, which nobody may take then
  bool taken_ COHORT_GUARDED_BY(mutex_) = false;  // object_ was moved out, and there is no payload_
  std::exception_ptr exception_ COHORT_GUARDED_BY(mutex_);
  std::shared_ptr<Query> query_ COHORT_GUARDED_BY(mutex_);  // on its way to the owner
  std::vector<std::function<void()>> callbacks_ COHORT_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> callbacks_when_here_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace detail
}  // namespace cohort
