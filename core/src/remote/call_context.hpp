#pragma once

#include <functional>
#include <memory>
#include <set>

#include <cohort/detail/mutex.hpp>
#include <cohort/detail/runtime.hpp>
#include <cohort/types.hpp>
#include <cohort/wait_options.hpp>

#include "io/reactor.hpp"

namespace cohort {

/// A function that this process runs for a caller: on a thread, or suspended as a coroutine. Its task owns it.
class CallContext : public std::enable_shared_from_this<CallContext> {
 public:
  explicit CallContext(Pid by) : caller(by) {}
  virtual ~CallContext() = default;
  CallContext(const CallContext&) = delete;
  CallContext& operator=(const CallContext&) = delete;

  const Pid caller;
  Interruption interruption;  ///< of the thread that runs it

  /// Any thread.
  void interrupt(Reactor& reactor);
  bool interrupted() const { return interruption.requested.load(std::memory_order_relaxed); }
  /// Call it when the function is suspended: `resume` is called when the call is interrupted, or at once if it already
  /// is. Replaces the previous `resume`.
  void when_interrupted(std::function<void()> resume);
  /// Call it when the function has returned and its result comes later. @throws Error if late results are not possible.
  virtual std::shared_ptr<detail::DeferredReply> defer();

  static CallContext*& current() {
    static thread_local CallContext* context = nullptr;
    return context;
  }

 private:
  detail::Mutex mutex_;
  std::function<void()> resume_ COHORT_GUARDED_BY(mutex_);
};

/// The functions that run for this process itself. Thread-safe.
class LocalCalls {
 public:
  /// Lists one call while the object lives.
  class Running {
   public:
    Running(LocalCalls& calls, CallContext& call) : calls_(calls), call_(call) {
      const detail::MutexLock lock(calls_.mutex_);
      calls_.running_.insert(&call_);
    }
    ~Running() {
      const detail::MutexLock lock(calls_.mutex_);
      calls_.running_.erase(&call_);
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    LocalCalls& calls_;
    CallContext& call_;
  };
  void interrupt_all(Reactor& reactor);

 private:
  detail::Mutex mutex_;
  std::set<CallContext*> running_ COHORT_GUARDED_BY(mutex_);
};

class Router;
class References;

/// The node that the free functions use: the node of the process, unless the thread has set another one.
struct CurrentNode {
  Router* router = nullptr;
  References* references = nullptr;
  bool was_stopped = false;  ///< by this thread, which has it in a scope still

  /// @throws Error if there is no session.
  static CurrentNode get();
  /// Empty if there is none.
  static CurrentNode get_or_none();
  static void set_for_process(CurrentNode node);
  static CurrentNode& of_thread();
};

/// Makes a node, and a call, the thread's current ones for a scope.
class CallScope {
 public:
  CallScope(CurrentNode node, CallContext* context)
      : node_before_(CurrentNode::of_thread()), context_before_(CallContext::current()) {
    CurrentNode::of_thread() = node;
    CallContext::current() = context;
  }
  ~CallScope() {
    CallContext::current() = context_before_;
    CurrentNode::of_thread() = node_before_;
  }
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

 private:
  const CurrentNode node_before_;
  CallContext* const context_before_;
};

/// Waits within the running call. @throws InterruptedException. @return false if the deadline passed.
bool wait_interruptibly(Reactor& reactor, Completion& completion,
                        Clock::time_point deadline = Clock::time_point::max());
/// Waits within the running call, with deadline and stop token. @param what, process "a future of process", 3: for the
/// message.
/// @throws InterruptedException, TimeoutError, CancelledException.
void wait_interruptibly(Reactor& reactor, Completion& completion, const WaitOptions& options, const char* what,
                        Pid process);

}  // namespace cohort
