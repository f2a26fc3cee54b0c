#pragma once

#include <functional>
#include <memory>

#include <cohort/detail/mutex.hpp>
#include <cohort/detail/runtime.hpp>
#include <cohort/types.hpp>
#include <cohort/wait_options.hpp>

#include "io/reactor.hpp"

namespace cohort {

/// A function that this process runs on somebody's behalf: on a thread, or suspended as a coroutine. Its task owns it.
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
  /// The function is suspended: `resume` is called when it is interrupted, at once if it was. Replaces the one before.
  void when_interrupted(std::function<void()> resume);
  /// The function has returned, and its result comes later. @throws Error where nobody waits for a late one.
  virtual std::shared_ptr<detail::DeferredReply> defer();

  static CallContext*& current() {
    static thread_local CallContext* context = nullptr;
    return context;
  }

 private:
  detail::Mutex mutex_;
  std::function<void()> resume_ COHORT_GUARDED_BY(mutex_);
};

class Router;
class References;

/// What the free functions act on: the process's node, unless the thread says otherwise.
struct CurrentNode {
  Router* router = nullptr;
  References* references = nullptr;

  /// @throws Error when there is no session.
  static CurrentNode get();
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

/// Waits on behalf of the running call. @throws InterruptedException. @return false: the deadline passed.
bool wait_interruptibly(Reactor& reactor, Completion& completion,
                        Clock::time_point deadline = Clock::time_point::max());
/// The same with every way out. @param what, process "a future of process", 3: for the message.
/// @throws InterruptedException, TimeoutError, CancelledException.
void wait_interruptibly(Reactor& reactor, Completion& completion, const WaitOptions& options, const char* what,
                        Pid process);

}  // namespace cohort
