#include "remote/call_context.hpp"

#include <mutex>

#include <cohort/error.hpp>
#include <cohort/this_call.hpp>

namespace cohort {
namespace {
std::mutex process_node_mutex;
CurrentNode process_node;  // guarded by process_node_mutex
}  // namespace

CurrentNode& CurrentNode::of_thread() {
  static thread_local CurrentNode node;
  return node;
}

CurrentNode CurrentNode::get() {
  if (const CurrentNode& node = of_thread(); node.router != nullptr) return node;
  std::lock_guard lock(process_node_mutex);
  if (process_node.router == nullptr) {
    throw Error("there is no cluster session: main() must begin with `cohort::Session session(argc, argv);`");
  }
  return process_node;
}

void CurrentNode::set_for_process(CurrentNode node) {
  std::lock_guard lock(process_node_mutex);
  process_node = node;
}

bool wait_interruptibly(Reactor& reactor, Completion& completion, Clock::time_point deadline) {
  CallContext* context = CallContext::current();
  switch (reactor.wait(completion, deadline, context == nullptr ? nullptr : &context->interruption)) {
    case WaitResult::done:
      return true;
    case WaitResult::timeout:
      return false;
    case WaitResult::interrupted:
      throw InterruptedException();
  }
  return false;
}

bool ThisCall::stop_requested() const {
  const CallContext* context = CallContext::current();
  return context != nullptr && context->interruption.requested.load(std::memory_order_relaxed);
}

void interruption_point() {
  if (this_call().stop_requested()) throw InterruptedException();
}

}  // namespace cohort
