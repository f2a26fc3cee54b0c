#include "remote/call_context.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <string>
#include <utility>

#include <cohort/detail/mutex.hpp>
#include <cohort/error.hpp>
#include <cohort/this_call.hpp>

#include "base/forked_child.hpp"

namespace cohort {
namespace {
// Read at each call, so without a lock. What it points at stays for ever: another thread may be reading it.
std::atomic<const CurrentNode*> process_node{nullptr};
}  // namespace

void CallContext::interrupt(Reactor& reactor) {
  reactor.interrupt(interruption);
  detail::MutexLock lock(mutex_);
  auto resume = std::exchange(resume_, nullptr);
  lock.unlock();
  if (resume) resume();
}

void CallContext::when_interrupted(std::function<void()> resume) {
  {
    detail::MutexLock lock(mutex_);
    resume_ = resume;
  }
  if (!interrupted()) return;  // else interrupt() may have been there before
  resume();
}

std::shared_ptr<detail::DeferredReply> CallContext::defer() {
  throw Error("only a call from another process can be answered later");
}

CurrentNode& CurrentNode::of_thread() {
  static thread_local CurrentNode node;
  return node;
}

void LocalCalls::interrupt_all(Reactor& reactor) {
  std::vector<std::shared_ptr<CallContext>> running;
  {
    const detail::MutexLock lock(mutex_);
    for (CallContext* call : running_) running.push_back(call->shared_from_this());
  }
  for (const auto& call : running) call->interrupt(reactor);
}

CurrentNode CurrentNode::get() {
  refuse_in_forked_child();
  const CurrentNode node = get_or_none();
  if (node.router == nullptr)
    throw Error(
        "there is no cluster session: main() must begin with `cohort::Session session(argc, argv);`, or this thread "
        "must make a cohort::Node::Scope");
  return node;
}

CurrentNode CurrentNode::get_or_none() {
  if (const CurrentNode& node = of_thread(); node.router != nullptr) return node;
  if (of_thread().was_stopped) throw Error("the node of this thread's cohort::Node::Scope was stopped");
  const CurrentNode* node = process_node.load(std::memory_order_acquire);
  return node == nullptr ? CurrentNode() : *node;
}

void CurrentNode::set_for_process(CurrentNode node) {
  static detail::Mutex mutex;
  // One for each session that the program had.
  static auto* kept COHORT_PT_GUARDED_BY(mutex) = new std::deque<CurrentNode>;
  detail::MutexLock lock(mutex);
  process_node.store(node.router == nullptr ? nullptr : &kept->emplace_back(node), std::memory_order_release);
}

namespace {

thread_local detail::WaitLimit* current_limit = nullptr;

WaitResult wait_in_call(Reactor& reactor, Completion& completion, Clock::time_point deadline,
                        Interruption* cancellation) {
  CallContext* context = CallContext::current();
  Interruption* interruption = context == nullptr ? nullptr : &context->interruption;
  const auto result = reactor.wait(completion, deadline, interruption, cancellation);
  if (result == WaitResult::interrupted) throw InterruptedException();
  return result;
}

// The same within the limits of the calling thread, from `limit` outwards. One that ends the wait interrupts it.
WaitResult wait_within(const detail::WaitLimit* limit, Reactor& reactor, Completion& completion,
                       Clock::time_point deadline, Interruption* cancellation) {
  if (limit == nullptr) return wait_in_call(reactor, completion, deadline, cancellation);
  Interruption own;
  if (cancellation == nullptr) cancellation = &own;
  WaitResult result;
  {
    std::stop_callback on_stop(limit->stop_token, [&] { reactor.interrupt(*cancellation); });
    result = wait_within(limit->outer, reactor, completion, std::min(deadline, limit->deadline), cancellation);
  }
  if (result != WaitResult::done && limit->reached()) throw InterruptedException();
  return result;
}

}  // namespace

namespace detail {

WaitLimit::WaitLimit(const WaitOptions& options)
    : deadline(options.deadline.at()), stop_token(options.stop_token), outer(current_limit) {
  current_limit = this;
}

WaitLimit::~WaitLimit() { current_limit = outer; }

void WaitLimit::throw_if_reached() const {
  if (stop_token.stop_requested()) throw CancelledException("called off before the function of this process began");
  if (reached()) throw TimeoutError("no time left for a function of this process");
}

void WaitLimit::rethrow_if_reached() const {
  if (!reached()) return;
  try {
    try {
      throw;
    } catch (const RemoteException& error) {
      if (error.cause() == nullptr) return;
      std::rethrow_exception(error.cause());
    }
  } catch (const InterruptedException&) {
    if (stop_token.stop_requested()) throw CancelledException("called off while a function of this process waited");
    throw TimeoutError("no time left for a function of this process");
  } catch (...) {
  }
}

}  // namespace detail

bool wait_interruptibly(Reactor& reactor, Completion& completion, Clock::time_point deadline) {
  return wait_within(current_limit, reactor, completion, deadline, nullptr) == WaitResult::done;
}

void wait_interruptibly(Reactor& reactor, Completion& completion, const WaitOptions& options, const char* what,
                        Pid process) {
  auto result = WaitResult::done;
  if (options.stop_token.stop_possible()) {
    Interruption cancellation;
    std::stop_callback on_stop(options.stop_token, [&] { reactor.interrupt(cancellation); });
    result = wait_within(current_limit, reactor, completion, options.deadline.at(), &cancellation);
  } else {
    result = wait_within(current_limit, reactor, completion, options.deadline.at(), nullptr);
  }
  if (result == WaitResult::done) return;
  const std::string thing = std::string(what) + ' ' + std::to_string(process);
  if (result == WaitResult::timeout) throw TimeoutError("no time left to wait for " + thing);
  throw CancelledException("called off while waiting for " + thing);
}

bool ThisCall::stop_requested() const {
  for (const auto* limit = current_limit; limit != nullptr; limit = limit->outer) {
    if (limit->reached()) return true;
  }
  const CallContext* context = CallContext::current();
  return context != nullptr && context->interrupted();
}

void interruption_point() {
  if (this_call().stop_requested()) throw InterruptedException();
}

}  // namespace cohort
