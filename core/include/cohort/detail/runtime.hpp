#pragma once

// The functions of libcohort that the templates of the public headers call. Not for programs.

#include <cohort/detail/language.hpp>  // before <coroutine>, which has an #error of its own

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>
#include <typeinfo>

#include <cohort/archive.hpp>
#include <cohort/types.hpp>
#include <cohort/wait_options.hpp>

namespace cohort::detail {
class FutureState;
}

namespace COHORT_EXPORT cohort {
namespace detail {

/// Names a thunk, or a function, in every process that runs the same binaries: the first 8 bytes of the GNU build-id of
/// its module, and its offset from the module's load address.
struct FunctionId {
  std::uint64_t module = 0;
  std::uint64_t offset = 0;
  bool operator==(const FunctionId&) const = default;
};

/// The receiving side of one kind of call: decodes the arguments, calls the function, encodes the result. There is one
/// static object for each instantiation of a remote call in each module; its address is its name.
struct Thunk {
  void (*invoke)(InArchive& arguments, Payload& result);
  /// Does the same on the event loop, so that no thread has to be woken for it: for a call_do() or call_fetch() with a
  /// short body. It must be short too, never wait, and run no code of a program or a plugin. @return false: nothing was
  /// done, and invoke() will run on a pool thread. Null: always on a pool thread.
  bool (*try_on_loop)(InArchive& arguments, Payload& result) = nullptr;
};

/// Makes a thunk callable from other processes. Called during static initialisation, before main.
bool register_thunk(const Thunk& thunk);
/// Returns the id of a function. @throws Error if the module of the address has no build-id.
FunctionId function_id(const void* address);
[[noreturn]] void fail_null_function();
/// Checks a function that is called in this process; function_id() checks one that is sent.
/// @throws Error for a null pointer, and for an empty std::function.
template <class F>
void check_not_null(const F& function) {
  if constexpr (std::is_constructible_v<F, std::nullptr_t> && requires { function == nullptr; }) {
    if (function == nullptr) fail_null_function();
  }
}
/// Returns the function with that id, in an executable segment of a loaded module. @throws Error, unimplemented.
const void* function_at(FunctionId id);

/// @throws Error with the number, and the parameter (counted from 0) whose type cannot hold it.
[[noreturn]] void fail_number_does_not_fit(std::size_t place, const std::string& number, const std::type_info& type);
[[noreturn]] void fail_number_does_not_fit(std::size_t place, double number, const std::type_info& type);

/// Represents the value of a function that returns nothing.
struct Nothing {
  template <class Archive>
  void serialize(Archive&) {}
};
template <class T>
using stored_t = std::conditional_t<std::is_void_v<T>, Nothing, T>;

using FuturePtr = std::shared_ptr<FutureState>;
using Decoder = std::shared_ptr<const void> (*)(const Payload& payload);
using Encoder = Payload (*)(const std::shared_ptr<const void>& object);

/// What a wait for a call's result does at its deadline, in addition to cancelling the call.
enum class GivingUp : std::uint8_t {
  at_once,        ///< nothing more
  with_last_word  ///< waits a while for the end of the call: if it succeeded all the same, so does the wait
};

/// Limits a function that runs on the calling thread while the object lives: from the deadline or the stop request in
/// `options`, its waits throw InterruptedException, and this_call().stop_requested() is true.
class WaitLimit {
 public:
  explicit WaitLimit(const WaitOptions& options);
  ~WaitLimit();
  WaitLimit(const WaitLimit&) = delete;
  WaitLimit& operator=(const WaitLimit&) = delete;
  /// Call it in the handler of the function's exception. @throws TimeoutError, CancelledException instead of an
  /// interruption that this limit has caused.
  void rethrow_if_reached() const;
  /// Call it before the function begins. @throws TimeoutError, CancelledException if the limit is already reached.
  void throw_if_reached() const;
  bool reached() const { return stop_token.stop_requested() || deadline <= Clock::now(); }

  const Clock::time_point deadline;
  const std::stop_token stop_token;
  WaitLimit* const outer;
};

/// Memory into which the value of a call is received.
struct ReceivingMemory {
  std::shared_ptr<std::byte> memory;
  std::size_t size = 0;

  /// For a segment of this size; null if it has another one.
  std::shared_ptr<std::byte> take(std::size_t wanted) noexcept { return wanted == size ? std::move(memory) : nullptr; }
};
/// While the object lives, the next value that this thread fetches, by call_fetch() or future_take(), is received into
/// this memory if it contains exactly one segment, and of this size. The segment of the value is there then. If the
/// fetch throws, the memory may be written to as long as it has another owner.
class ReceiveInto {
 public:
  explicit ReceiveInto(ReceivingMemory memory);
  ~ReceiveInto();
  ReceiveInto(const ReceiveInto&) = delete;
  ReceiveInto& operator=(const ReceiveInto&) = delete;
  /// The memory for what this thread fetches now; null if there is none, or it was taken.
  static ReceivingMemory take();

 private:
  ReceivingMemory memory_;
  ReceiveInto* const outer_;
};

/// Sends a call and waits for its result; if the wait ends early, cancels the call. @param arguments its segments may
/// be borrowed.
/// @throws RemoteException, ProcessExitedException, InterruptedException, TimeoutError, CancelledException.
Payload call_fetch(Pid pid, FunctionId function, Payload& arguments, const WaitOptions& options = {},
                   GivingUp giving_up = GivingUp::at_once);
/// Sends a call whose result stays on `pid` until it is fetched. Returns when borrowed segments are no longer needed.
FuturePtr call(Pid pid, FunctionId function, Payload& arguments);
void call_do(Pid pid, FunctionId function, Payload& arguments);

/// Runs `body` on a thread of this process, as a request from this process. If it throws, the exception is printed on
/// stderr if `result` is null; otherwise `result` fails with it.
void run_here(std::function<void()> body, FuturePtr result);

/// Answers a call from another process after its function has returned. Called once, on any thread.
class DeferredReply {
 public:
  virtual ~DeferredReply();
  virtual void finish(Payload result, std::exception_ptr failure) noexcept = 0;
};
/// Call it within a thunk: the returned object will answer the call.
std::shared_ptr<DeferredReply> defer_reply();

/// A coroutine that waits for a future. It is resumed once, on a pool thread, when there is a value or when its call is
/// interrupted.
struct Suspension {
  explicit Suspension(std::coroutine_handle<> coroutine) : handle(coroutine) {}
  const std::coroutine_handle<> handle;
  std::atomic<bool> resumed{false};
  bool interrupted = false;  // set before it is resumed
};
void resume_when_here(const FuturePtr& state, const std::shared_ptr<Suspension>& suspension);
/// Returns the RemoteException for the exception that is being handled, with this process as the one that threw.
std::exception_ptr current_as_remote();

/// While the object lives, the thread records the stack of the last exception that was thrown.
class ThrowStackScope {
 public:
  ThrowStackScope();
  ~ThrowStackScope();
  ThrowStackScope(const ThrowStackScope&) = delete;
  ThrowStackScope& operator=(const ThrowStackScope&) = delete;

 private:
  const void* const outer_;
};

/// Prints the failure of a function that nobody waits for.
void report_forgotten(const std::exception_ptr& failure) noexcept;

FuturePtr make_future(Pid owner);
Pid future_owner(const FutureState& state);
bool future_ready(FutureState& state);
/// Whether fetch() would return without waiting.
bool future_is_here(FutureState& state);
/// @return false if the deadline passed. If the future failed, does not throw its exception.
bool future_wait_until(FutureState& state, Clock::time_point deadline);
void future_wait(FutureState& state, const WaitOptions& options);
std::shared_ptr<const void> future_object(FutureState& state, Decoder decoder, const WaitOptions& options = {});
/// How a value leaves a future: if it is there only once, as a copy that the caller makes, or itself.
enum class Taking : std::uint8_t { copy, move };
struct TakenObject {
  std::shared_ptr<const void> object;
  bool alone = false;  ///< the caller alone has it, and may move from it
};
TakenObject future_take(FutureState& state, Decoder decoder, Taking taking, const WaitOptions& options);
void future_put(FutureState& state, std::shared_ptr<const void> object, Encoder encoder);
void future_fail(FutureState& state, std::exception_ptr exception);
void future_cancel(FutureState& state);
void future_abandon(FutureState& state, std::exception_ptr exception);
/// Calls `callback` on a pool thread when the future is ready.
void future_on_ready(FutureState& state, std::function<void()> callback);
void future_save(OutArchive& archive, const FuturePtr& state, Encoder encoder);
FuturePtr future_load(InArchive& archive, Decoder decoder);

/// Returns the next worker in turn, for spawnat(any, ...).
Pid next_worker();

}  // namespace detail
}  // namespace cohort
