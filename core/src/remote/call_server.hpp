#pragma once

#include <memory>
#include <mutex>
#include <unordered_set>

#include "membership/router.hpp"
#include "remote/call_context.hpp"
#include "remote/references.hpp"

namespace cohort {

/// Answers what other processes ask of this one: calls, fetches and puts of values, interrupts. Frames come on the
/// loop; functions run on the reactor's pool.
class CallServer {
 public:
  CallServer(Router& router, References& references) : router_(router), references_(references) {}

  void on_call(const std::shared_ptr<Connection>& connection, Frame&& frame);
  void on_fetch(const std::shared_ptr<Connection>& connection, const Frame& frame);
  void on_put(const std::shared_ptr<Connection>& connection, Frame&& frame);
  /// Interrupts what runs now; answers when all of it has ended, or with `true` after `grace`: something did not
  /// listen.
  void on_cancel(const std::shared_ptr<Connection>& connection, const Frame& frame);

  /// Whether no function runs. Any thread.
  bool idle();
  /// Interrupts what runs now. Any thread. @return how many calls.
  std::size_t interrupt_running(const std::shared_ptr<void>& told_at_end);

  /// While a function runs here on behalf of `caller`. Makes it interruptible, and this node the thread's current one.
  class Running {
   public:
    Running(CallServer& server, Pid caller);
    ~Running();

   private:
    CallServer& server_;
    CallContext context_;
    CallContext* const outer_;
    CurrentNodeScope node_;
  };

 private:
  class CallTask;
  void answer(const std::shared_ptr<Connection>& connection, std::uint64_t request,
              const detail::FutureState::Outcome& outcome, SendQueue::Mode mode);

  Router& router_;
  References& references_;
  std::mutex mutex_;  // guards running_
  std::unordered_set<CallContext*> running_;
};

}  // namespace cohort
