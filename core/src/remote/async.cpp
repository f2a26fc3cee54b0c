#include <cohort/async.hpp>

#include <utility>

#include <cohort/error.hpp>

#include "io/timers.hpp"
#include "remote/call_context.hpp"
#include "remote/references.hpp"

namespace cohort {

Future<void> after(Duration duration) {
  const CurrentNode node = CurrentNode::get();
  Reactor& reactor = node.router->reactor();
  auto state = node.references->make_local();
  reactor.post([&reactor, state, when = deadline_after(duration)] {
    reactor.timers().call_at(
        when, [state] { state->set_payload(std::make_shared<const Payload>(detail::encode_object<void>(nullptr))); });
  });
  return Future<void>(std::move(state));
}

namespace detail {
namespace {
thread_local SyncScope* current_scope = nullptr;
}

SyncScope::SyncScope() : outer_(std::exchange(current_scope, this)) {}
SyncScope::~SyncScope() { current_scope = outer_; }

void SyncScope::enlist(const FuturePtr& started) {
  if (current_scope != nullptr) current_scope->started_.push_back(started);
}

void SyncScope::finish(std::exception_ptr first) {
  current_scope = outer_;
  std::vector<std::exception_ptr> failures;
  for (const auto& state : started_) {
    try {
      future_wait(*state, WaitOptions{});
    } catch (const InterruptedException&) {
      throw;  // of this thread; one that the function threw is a RemoteException
    } catch (...) {
      failures.push_back(std::current_exception());
    }
  }
  if (first != nullptr && failures.empty()) std::rethrow_exception(first);
  if (first != nullptr) failures.insert(failures.begin(), first);
  if (!failures.empty()) throw CompositeException(std::move(failures));
}

}  // namespace detail
}  // namespace cohort
