#pragma once

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <cohort/detail/mutex.hpp>

#include "base/hooked_table.hpp"
#include "membership/router.hpp"
#include "remote/call_context.hpp"
#include "remote/references.hpp"

namespace cohort {

/// Serves the requests of other processes: calls, fetches and puts of values, interrupts. Frames arrive on the loop;
/// functions run on the reactor's pool, except for those that may run on the loop (Thunk).
class CallServer {
 public:
  CallServer(Router& router, References& references) : router_(router), references_(references) {}

  void on_call(const std::shared_ptr<Connection>& connection, Frame&& frame);
  /// Serves a call for whose arguments there is no memory: it fails.
  void on_call_without_room(const std::shared_ptr<Connection>& connection, const Frame& frame,
                            const std::exception_ptr& failure);
  void on_fetch(const std::shared_ptr<Connection>& connection, const Frame& frame);
  void on_put(const std::shared_ptr<Connection>& connection, Frame&& frame);
  /// Interrupts all running functions, and answers when all have ended, or with `true` after `grace` if some did not
  /// react. Or cancels one call: it is interrupted if it runs, and never runs if it has not begun.
  void on_cancel(const std::shared_ptr<Connection>& connection, const Frame& frame);

  /// Call it when a connection has ended: cancels its requests, because nobody waits for them any more. Loop thread.
  void on_closed(const Connection& connection);
  /// Call it when a process is gone: cancels its requests, except those of whose results others hold futures. May be
  /// called from any thread.
  void drop_client(Pid client);

  /// Whether a large result stays here until it is asked for, or goes to the caller at once: this process will leave.
  void keep_large_results(bool keep) { keeps_large_results_.store(keep); }

  /// Whether no function runs. Any thread.
  bool idle();
  /// How many calls have come and are not finished. Any thread.
  int open() const { return tasks_.load(std::memory_order_relaxed); }
  /// Interrupts all running functions. May be called from any thread. @return how many calls.
  std::size_t interrupt_running(const std::shared_ptr<void>& told_at_end);

 private:
  class CallTask;

  // A task that is dropped without running, at the end of the reactor, removes itself from both.
  using RunningHook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

  /// Identifies a call for its caller. A caller may have very many open calls, and cancel each of them.
  using Key = std::pair<const Connection*, std::uint64_t>;

  /// A call from its arrival to its answer.
  struct Call : CallContext, TableHook, RunningHook {
    Call(std::shared_ptr<Connection> from, const FrameHeader& frame_header)
        : CallContext(from->peer()), connection(std::move(from)), header(frame_header) {}
    Key key() const { return {connection.get(), header.request}; }
    const std::shared_ptr<Connection> connection;
    const FrameHeader header;
    OpenResult result;  // of a FrameKind::call
    // Guarded by CallServer::mutex_.
    bool started = false;                  // and so in running_
    bool withdrawn = false;                // and answered: not to be run
    std::shared_ptr<void> interrupted_by;  // held until the call ends; whoever interrupted is told then
  };

  struct KeyOfCall {
    using type = Key;
    Key operator()(const Call& call) const { return call.key(); }
  };
  /// The low half of a request's id is its index in the caller's table: it is small, and unique among open requests.
  struct HashOfKey {
    std::size_t operator()(const Key& key) const {
      return static_cast<std::size_t>(key.second) + (reinterpret_cast<std::uintptr_t>(key.first) >> 6);
    }
  };
  bool try_on_loop(const detail::Thunk& thunk, const std::shared_ptr<Connection>& connection, const FrameHeader& header,
                   const Payload& payload);
  static RefId name_of_result(const Connection& connection, const Frame& frame);
  std::shared_ptr<CallTask> make_task(const std::shared_ptr<Connection>& connection, const FrameHeader& header,
                                      RefId ref, Payload payload);
  void answer(const std::shared_ptr<Connection>& connection, std::uint64_t request,
              const detail::FutureState::EncodedResult& result, SendQueue::Mode mode);
  void interrupt_all(const std::shared_ptr<Connection>& connection, std::uint64_t request);
  void call_off(const Connection& caller, std::uint64_t request);
  template <class F>
  void call_off_if(F which);
  void withdraw(const std::shared_ptr<Connection>& caller, std::uint64_t request);

  Router& router_;
  References& references_;
  std::atomic<bool> keeps_large_results_{true};
  std::atomic<int> tasks_{0};  // counted by the tasks
  detail::Mutex mutex_;
  // The calls that can be cancelled, so none of remote_do. The caller chooses the key: two calls may have the same.
  HookedTable<Call, KeyOfCall, HashOfKey> open_ COHORT_GUARDED_BY(mutex_);
  boost::intrusive::list<Call, boost::intrusive::constant_time_size<false>> running_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort
