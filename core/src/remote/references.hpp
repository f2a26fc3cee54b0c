#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include <cohort/cluster.hpp>
#include <cohort/detail/mutex.hpp>

#include "base/pruning.hpp"
#include "membership/router.hpp"
#include "remote/counted_entries.hpp"
#include "remote/future_state.hpp"
#include "remote/reference.hpp"

namespace cohort {

/// Distributed reference counting. For each value that other processes know of, its owner keeps a count per client
/// (CountedEntries); every client knows what the owner counts for it, and when that may be given back (Holding). This
/// class sends what these two decide.
///
/// Who sends a handle to T first tells the owner to count T (acquire), on the same path as its own later release, so
/// the entry cannot go in between. Who destroys its last handle tells the owner (release). All orders of these steps
/// are tried by tests/unit/remote/reference_model_test.cpp.
///
/// References share it, so that a handle may outlive the node: after close() it answers to nobody.
class References : public std::enable_shared_from_this<References> {
 public:
  explicit References(Router& router) : router_(&router) {}

  /// @throws Error when the session has ended.
  Router& router() const;
  /// The node goes away.
  void close() { router_.store(nullptr, std::memory_order_release); }

  /// A future of this process.
  detail::FuturePtr make_local();
  /// A future owned by `owner`, whose first answer comes with the result of a call (the state is its request).
  detail::FuturePtr make_for_call(Pid owner);
  /// A future owned by `owner`, to be put by anybody.
  detail::FuturePtr make_remote(Pid owner);

  /// Has this process counted once more for a future it made the name of. Returns when the owner has the entry: whoever
  /// is sent the handle next may ask for it on another connection at once. @param sending of that future, from before
  /// it was seen to be open. @throws ProcessExitedException.
  void enter_at_owner(const detail::FuturePtr& state, const detail::Reference::Sending& sending);
  /// A name for something new of this process's making.
  RefId new_name(ReferenceKind kind);
  /// Has `owner` make what `handle` names, counted for this process: `request` says what.
  void make_there(const std::shared_ptr<detail::Reference>& handle, FrameKind kind, std::uint8_t flags,
                  const Payload& request);

  /// Owner: a call came that will make value `ref` for `caller`. Loop thread.
  detail::FuturePtr enter(RefId ref, Pid caller);
  /// Owner: the caller was sent the value itself, so it needs no entry.
  void leave(RefId ref, Pid client);
  /// Owner: another process made the name of `made`. @throws BadMessage it is taken.
  void enter(const std::shared_ptr<detail::Reference>& made, Pid client);
  /// Owner: the future `ref`, or null if it is not here.
  detail::FuturePtr find(RefId ref);
  /// Owner: what `ref` names, or null if it is not here.
  std::shared_ptr<detail::Reference> find_any(RefId ref);
  /// Owner: has `watcher` told when `pid` is gone, at once if it is.
  void watch(Pid pid, const std::shared_ptr<detail::Reference>& watcher);

  /// Sends a frame on `connection`, with the references in the payload counted for its peer. @throws what the sending
  /// throws; then nothing is counted. @return as Connection::send.
  std::shared_ptr<Completion> send(Connection& connection, FrameKind kind, std::uint8_t flags, std::uint64_t request,
                                   const Payload& payload, SendQueue::Mode mode,
                                   std::span<const std::byte> prefix = {});
  /// A handle that is sent may come back: it is the same one then.
  void remember(const std::shared_ptr<detail::Reference>& handle);
  /// Whether sending these would wait, for a connection to be made: then it must not be called on the loop.
  bool acquiring_waits(const std::vector<std::shared_ptr<detail::Reference>>& references);
  /// For the references that came with a frame: this process's handles on them.
  std::vector<std::shared_ptr<detail::Reference>> adopt(std::span<const ReferenceEntry> entries);
  /// The last handle here is gone. Any thread, also inside destructors.
  void release(Pid owner, RefId ref, int count);

  /// A `references` frame: a count, or a question for the table. Loop thread.
  void on_frame(const std::shared_ptr<Connection>& sender, const Frame& frame);
  /// A client died: its counts go, and what only it held.
  void drop_client(Pid client);

  ReferenceTable table() const;

 private:
  using ReferencePtr = std::shared_ptr<detail::Reference>;
  ReferencePtr make_handle(RefId ref, Pid owner);
  void acquire(Pid target, const ReferencePtr& reference, std::vector<ReferenceEntry>& entries);
  void take_back(Pid target, std::span<const ReferenceEntry> entries) noexcept;
  void send_change(Pid owner, RefId ref, Pid client, int change, bool must_arrive);

  std::atomic<Router*> router_;
  mutable detail::Mutex mutex_;  // references are destroyed and called outside of it
  std::uint64_t next_id_ COHORT_GUARDED_BY(mutex_) = 1;
  CountedEntries<ReferencePtr> owned_ COHORT_GUARDED_BY(mutex_);
  std::map<RefId, std::weak_ptr<detail::Reference>> handles_ COHORT_GUARDED_BY(mutex_);  // of values owned elsewhere
  std::multimap<Pid, std::weak_ptr<detail::Reference>> watchers_ COHORT_GUARDED_BY(mutex_);
  Pruning prune_watchers_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort
