#pragma once

#include <memory>

#include <cohort/types.hpp>
#include <cohort/wait_options.hpp>

#include "io/reactor.hpp"

namespace cohort {

/// A request that a thread of this process runs. On that thread's stack; listed by the CallServer while it runs.
struct CallContext {
  Interruption interruption;
  Pid caller = no_pid;
  std::shared_ptr<void> interrupted_by;  // held until the call ends; whoever interrupted is told then

  static CallContext*& current() {
    static thread_local CallContext* context = nullptr;
    return context;
  }
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

/// Makes a node the thread's current one for a scope.
class CurrentNodeScope {
 public:
  explicit CurrentNodeScope(CurrentNode node) : before_(CurrentNode::of_thread()) { CurrentNode::of_thread() = node; }
  ~CurrentNodeScope() { CurrentNode::of_thread() = before_; }
  CurrentNodeScope(const CurrentNodeScope&) = delete;
  CurrentNodeScope& operator=(const CurrentNodeScope&) = delete;

 private:
  const CurrentNode before_;
};

/// Waits on behalf of the running call. @throws InterruptedException. @return false: the deadline passed.
bool wait_interruptibly(Reactor& reactor, Completion& completion,
                        Clock::time_point deadline = Clock::time_point::max());
/// The same with every way out. @param what, process "a future of process", 3: for the message.
/// @throws InterruptedException, TimeoutError, CancelledException.
void wait_interruptibly(Reactor& reactor, Completion& completion, const WaitOptions& options, const char* what,
                        Pid process);

}  // namespace cohort
