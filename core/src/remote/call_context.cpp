#include "remote/call_context.hpp"

#include <atomic>
#include <deque>
#include <mutex>
#include <string>
#include <utility>

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
  std::unique_lock lock(mutex_);
  auto resume = std::exchange(resume_, nullptr);
  lock.unlock();
  if (resume) resume();
}

void CallContext::when_interrupted(std::function<void()> resume) {
  {
    std::lock_guard lock(mutex_);
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

CurrentNode CurrentNode::get() {
  refuse_in_forked_child();
  if (const CurrentNode& node = of_thread(); node.router != nullptr) return node;
  const CurrentNode* node = process_node.load(std::memory_order_acquire);
  if (node == nullptr) {
    throw Error("there is no cluster session: main() must begin with `cohort::Session session(argc, argv);`");
  }
  return *node;
}

void CurrentNode::set_for_process(CurrentNode node) {
  static std::mutex mutex;
  static auto* kept = new std::deque<CurrentNode>;  // guarded by mutex; one for each session that the program had
  std::lock_guard lock(mutex);
  process_node.store(node.router == nullptr ? nullptr : &kept->emplace_back(node), std::memory_order_release);
}

namespace {
WaitResult wait_in_call(Reactor& reactor, Completion& completion, Clock::time_point deadline,
                        Interruption* cancellation = nullptr) {
  CallContext* context = CallContext::current();
  Interruption* interruption = context == nullptr ? nullptr : &context->interruption;
  const auto result = reactor.wait(completion, deadline, interruption, cancellation);
  if (result == WaitResult::interrupted) throw InterruptedException();
  return result;
}
}  // namespace

bool wait_interruptibly(Reactor& reactor, Completion& completion, Clock::time_point deadline) {
  return wait_in_call(reactor, completion, deadline) == WaitResult::done;
}

void wait_interruptibly(Reactor& reactor, Completion& completion, const WaitOptions& options, const char* what,
                        Pid process) {
  auto result = WaitResult::done;
  if (options.stop_token.stop_possible()) {
    Interruption cancellation;
    std::stop_callback on_stop(options.stop_token, [&] { reactor.interrupt(cancellation); });
    result = wait_in_call(reactor, completion, options.deadline.at(), &cancellation);
  } else {
    result = wait_in_call(reactor, completion, options.deadline.at());
  }
  if (result == WaitResult::done) return;
  const std::string thing = std::string(what) + ' ' + std::to_string(process);
  if (result == WaitResult::timeout) throw TimeoutError("no time left to wait for " + thing);
  throw CancelledException("called off while waiting for " + thing);
}

bool ThisCall::stop_requested() const {
  const CallContext* context = CallContext::current();
  return context != nullptr && context->interrupted();
}

void interruption_point() {
  if (this_call().stop_requested()) throw InterruptedException();
}

}  // namespace cohort
