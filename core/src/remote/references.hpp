#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include <cohort/cluster.hpp>
#include <cohort/detail/mutex.hpp>

#include "base/hooked_table.hpp"
#include "base/pruning.hpp"
#include "membership/router.hpp"
#include "remote/counted_entries.hpp"
#include "remote/future_state.hpp"
#include "remote/reference.hpp"

namespace cohort {

/// The result of a call of another process, in the process that runs it, from the arrival of the call to its answer. It
/// becomes a future here only if somebody asks for it meanwhile, or if it stays; most results are sent at once and
/// gone.
struct OpenResult : TableHook {
  RefId ref;
  Pid caller = no_pid;
  detail::FuturePtr future;  // guarded by References::mutex_
};

/// Distributed reference counting. For each value that other processes know, its owner keeps a count for each client
/// (CountedEntries); every client knows what the owner counts for it, and when it may release that (Holding). This
/// class sends the messages that these two decide.
///
/// A process that sends a handle to process T first makes the owner count T (acquire), on the same path as its own
/// later release, so the entry cannot be freed in between. A process that destroys its last handle informs the owner
/// (release). tests/unit/remote/reference_model_test.cpp tries all orders of these steps.
///
/// References share this object, so that a handle may outlive the node: after close() it sends nothing.
class References : public std::enable_shared_from_this<References> {
 public:
  explicit References(Router& router) : router_(&router) {}

  /// @throws Error when the session has ended.
  Router& router() const;
  /// The node goes away. Drops what others still hold: each of these values shares this object.
  void close();

  /// A future of this process.
  detail::FuturePtr make_local();
  /// A future owned by `owner`, whose first answer comes with the result of a call (the state is its request).
  detail::FuturePtr make_for_call(Pid owner);
  /// A future owned by `owner`, into which anybody may put a value.
  detail::FuturePtr make_remote(Pid owner);

  /// Makes the owner count this process once more, for a future whose id this process chose. Returns when the owner has
  /// the entry: the next receiver of the handle may request the value on another connection at once. @param sending of
  /// that future, made before the future was seen to be open. @throws ProcessExitedException.
  void enter_at_owner(const detail::FuturePtr& state, const detail::Reference::Sending& sending);
  /// Returns a new id, chosen by this process.
  RefId new_name(ReferenceKind kind);
  /// Makes `owner` create the object of `handle`, counted for this process. `request` says which object.
  void make_there(const std::shared_ptr<detail::Reference>& handle, FrameKind kind, std::uint8_t flags,
                  const Payload& request);

  /// In the owner: call it when a call has arrived that will make value `result.ref` for `result.caller`. Loop thread.
  void open(OpenResult& result);
  /// In the owner: call it when the value itself was sent to the caller, so that it needs no entry for that. Behind the
  /// value: a caller that has itself counted once more is told so only after it has the value. @return the future, if
  /// somebody else may ask for it: give it the value, and then leave().
  detail::FuturePtr close(OpenResult& result);
  /// In the owner: call it when the value stays. @return its future, or null if the caller is gone.
  detail::FuturePtr close_and_keep(OpenResult& result);
  /// In the owner: whether there is an entry, so that others may ask for it.
  bool is_held(RefId ref) const;
  /// In the owner: call it when the value itself was sent to the caller, so that it needs no entry.
  void leave(RefId ref, Pid client);
  /// In the owner: adds `made`, whose id another process chose. @throws BadMessage if that id exists already.
  void enter(const std::shared_ptr<detail::Reference>& made, Pid client);
  /// Owner: the future `ref`, or null if it is not here.
  detail::FuturePtr find(RefId ref);
  /// Owner: what `ref` names, or null if it is not here.
  std::shared_ptr<detail::Reference> find_any(RefId ref);
  /// In the owner: informs `watcher` when `pid` is gone; at once if it already is.
  void watch(Pid pid, const std::shared_ptr<detail::Reference>& watcher);

  /// Sends a frame on `connection`, with the references in the payload counted for its peer. @throws what the sending
  /// throws; then nothing is counted. @return as Connection::send.
  std::shared_ptr<Completion> send(Connection& connection, FrameKind kind, std::uint8_t flags, std::uint64_t request,
                                   const Payload& payload, SendQueue::Mode mode,
                                   std::span<const std::byte> prefix = {});
  /// Registers a handle that is sent, so that it is found again if it comes back.
  void remember(const std::shared_ptr<detail::Reference>& handle);
  /// Whether sending these would wait until a connection is made: then they must not be sent on the loop.
  bool acquiring_waits(const std::vector<std::shared_ptr<detail::Reference>>& references);
  /// Returns this process's handles for the references of a received frame.
  std::vector<std::shared_ptr<detail::Reference>> adopt(std::span<const ReferenceEntry> entries);
  /// The futures of this process that one of these processes owns.
  std::vector<detail::FuturePtr> futures_of(const std::set<Pid>& owners);
  /// Call it when the last handle in this process is gone. Any thread, also inside destructors.
  void release(Pid owner, RefId ref, int count);

  /// A `references` frame: a count, or a question for the table. Loop thread.
  void on_frame(const std::shared_ptr<Connection>& sender, const Frame& frame);
  /// Call it when a client died: removes its counts, and the values that only it held.
  void drop_client(Pid client);

  /// Call it when the connection to a client has ended: what was sent to it may not have arrived. Loop thread.
  void disconnected(Pid client);

  /// In the owner: whether other processes hold anything.
  bool serves_others() const;
  ReferenceTable table() const;

 private:
  using ReferencePtr = std::shared_ptr<detail::Reference>;
  void list(const ReferencePtr& handle) COHORT_REQUIRES(mutex_);
  void make_future_of(OpenResult& result) COHORT_REQUIRES(mutex_);
  void make_future_of_open(RefId ref) COHORT_REQUIRES(mutex_);
  ReferencePtr make_handle(RefId ref, Pid owner);
  void acquire(Pid target, const ReferencePtr& reference, std::vector<ReferenceEntry>& entries);
  void take_back(Pid target, std::span<const ReferenceEntry> entries) noexcept;
  void send_change(Pid owner, RefId ref, Pid client, int change, bool must_arrive);

  std::atomic<Router*> router_;
  mutable detail::Mutex mutex_;  // references are destroyed and called outside of it
  std::atomic<std::uint64_t> next_id_{1};
  CountedEntries<ReferencePtr> owned_ COHORT_GUARDED_BY(mutex_);
  struct RefOfResult {
    using type = RefId;
    const RefId& operator()(const OpenResult& result) const { return result.ref; }
  };
  /// Callers choose the ids, in ascending order.
  struct HashOfRef {
    std::size_t operator()(const RefId& ref) const { return ref.id + (static_cast<std::size_t>(ref.whence) << 16); }
  };
  // Of the results of open calls those that are not in owned_.
  HookedTable<OpenResult, RefOfResult, HashOfRef> open_results_ COHORT_GUARDED_BY(mutex_);
  std::map<RefId, std::weak_ptr<detail::Reference>> handles_ COHORT_GUARDED_BY(mutex_);  // of values owned elsewhere
  std::multimap<Pid, std::weak_ptr<detail::Reference>> watchers_ COHORT_GUARDED_BY(mutex_);
  Pruning prune_watchers_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort
