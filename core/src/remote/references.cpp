#include "remote/references.hpp"

#include <cohort/archive.hpp>
#include <cohort/error.hpp>

#include <algorithm>
#include <utility>

#include "base/forked_child.hpp"
#include "membership/open_request.hpp"
#include "remote/call_context.hpp"
#include "remote/exception_codec.hpp"
#include "remote/messages.hpp"
#include "remote/remote_channel_state.hpp"
#include "remote/stored_object.hpp"

namespace cohort {

using detail::FuturePtr;
using detail::FutureState;
using detail::Reference;

namespace {

struct Change {
  std::int32_t owner;  // so that the master can pass it on
  std::int32_t whence;
  std::uint64_t id;
  std::int32_t client;
  std::int32_t change;
};

Payload encode_change(const Change& change) {
  Payload payload;
  OutArchive archive(payload);
  archive(change.owner, change.whence, change.id, change.client, change.change);
  return payload;
}

}  // namespace

Router& References::router() const {
  refuse_in_forked_child();
  Router* router = router_.load(std::memory_order_acquire);
  if (router == nullptr) throw Error("the session has ended");
  return *router;
}

void References::close() {
  router_.store(nullptr, std::memory_order_release);
  CountedEntries<ReferencePtr> owned;  // destroyed after the lock
  detail::MutexLock lock(mutex_);
  std::swap(owned, owned_);
  lock.unlock();
}

FuturePtr References::make_local() {
  return std::make_shared<FutureState>(shared_from_this(), RefId{router().self(), next_id_++}, router().self(), false);
}

FuturePtr References::make_for_call(Pid owner) {
  return std::make_shared<FutureState>(shared_from_this(), RefId{router().self(), next_id_++}, owner, true);
}

FuturePtr References::make_remote(Pid owner) {
  auto state = std::make_shared<FutureState>(shared_from_this(), new_name(ReferenceKind::future), owner, false);
  enter_at_owner(state, Reference::Sending(state));
  return state;
}

void References::enter_at_owner(const FuturePtr& state, const Reference::Sending&) {
  make_there(state, FrameKind::references, references_count,
             encode_change({state->owner, state->ref.whence, state->ref.id, router().self(), 1}));
}

RefId References::new_name(ReferenceKind kind) {
  return {router().self(), next_id_++ | static_cast<std::uint64_t>(kind) << RefId::kind_shift};
}

// Waits until the owner has the entry: whoever is sent the handle next may ask for it on another connection at once.
void References::make_there(const ReferencePtr& handle, FrameKind kind, std::uint8_t flags, const Payload& request) {
  struct Entered final : Request {
    Pid owner = no_pid;
    std::exception_ptr failure;
    void on_result(Frame&& frame) noexcept override {
      if (frame.header.flags != result_exception) return;
      Payload payload;
      payload.body = std::move(frame.body);
      failure = decode_exception(payload, owner);
    }
    void on_lost(const std::string& cause) noexcept override {
      failure = std::make_exception_ptr(ProcessExitedException(owner, cause));
    }
  };
  {
    detail::MutexLock lock(mutex_);
    list(handle);
  }
  auto connection = router().connection_to(handle->owner);
  auto entered = std::make_shared<Entered>();
  entered->owner = handle->owner;
  OpenRequest open(*connection, entered);
  connection->send(kind, flags, open.id(), request, SendQueue::Mode::before_wait);
  open.sent();
  handle->add_held(1);
  wait_interruptibly(router().reactor(), *entered);
  if (entered->failure) std::rethrow_exception(entered->failure);
}

void References::open(OpenResult& result) {
  detail::MutexLock lock(mutex_);
  if (owned_.find(result.ref) != nullptr || open_results_.find(result.ref) != nullptr)
    make_future_of(result);  // the caller has used the id before
  else
    open_results_.insert(result);
}

void References::make_future_of(OpenResult& result) {
  make_future_of_open(result.ref);
  const auto& object = owned_.enter(result.ref, result.caller, [&] {
    return std::make_shared<FutureState>(shared_from_this(), result.ref, router().self(), true);
  });
  result.future = detail::reference_as<FutureState>(object);
}

void References::make_future_of_open(RefId ref) {
  OpenResult* result = open_results_.find(ref);
  if (result == nullptr) return;
  open_results_.erase(*result);
  make_future_of(*result);
}

FuturePtr References::close(OpenResult& result) {
  detail::MutexLock lock(mutex_);
  open_results_.erase(result);
  return result.future;
}

FuturePtr References::close_and_keep(OpenResult& result) {
  detail::MutexLock lock(mutex_);
  open_results_.erase(result);
  if (result.future == nullptr && !router().is_gone(result.caller)) make_future_of(result);
  return result.future;
}

bool References::is_held(RefId ref) const {
  detail::MutexLock lock(mutex_);
  return owned_.find(ref) != nullptr;
}

void References::enter(const ReferencePtr& made, Pid client) {
  detail::MutexLock lock(mutex_);
  if (router().is_gone(client)) return;
  if (owned_.find(made->ref) != nullptr) throw BadMessage("a new name for a remote value is not new");
  owned_.enter(made->ref, client, [&] { return made; });
}

void References::watch(Pid pid, const ReferencePtr& watcher) {
  {
    detail::MutexLock lock(mutex_);
    if (!router().is_gone(pid)) {
      prune_watchers_.erase_expired(watchers_, [](const auto& entry) { return entry.second.expired(); });
      watchers_.emplace(pid, watcher);
      return;
    }
  }
  watcher->on_gone(pid);
}

void References::leave(RefId ref, Pid client) {
  std::vector<ReferencePtr> dropped;  // destroyed after the lock
  detail::MutexLock lock(mutex_);
  owned_.leave(ref, client, dropped);
  lock.unlock();
}

References::ReferencePtr References::find_any(RefId ref) {
  detail::MutexLock lock(mutex_);
  make_future_of_open(ref);
  const auto* object = owned_.find(ref);
  return object == nullptr ? nullptr : *object;
}

FuturePtr References::find(RefId ref) { return std::dynamic_pointer_cast<FutureState>(find_any(ref)); }

// This process's handle on what is elsewhere, or, if it should be here and is not, something that says so.
References::ReferencePtr References::make_handle(RefId ref, Pid owner) {
  const bool missing = owner == router().self();
  const auto not_found = [] { return std::make_exception_ptr(Error("Local instance of remote reference not found")); };
  switch (ref.kind()) {
    case ReferenceKind::future: {
      auto state = std::make_shared<FutureState>(shared_from_this(), ref, owner, false);
      if (missing) state->fail(not_found());
      return state;
    }
    case ReferenceKind::channel: {
      auto state = std::make_shared<detail::RemoteChannelState>(shared_from_this(), ref, owner, 0);
      if (missing) state->queue()->close(not_found());
      return state;
    }
    case ReferenceKind::object:
      return std::make_shared<detail::StoredObject>(shared_from_this(), ref, owner);
  }
  throw BadMessage("a reference of an unknown kind");
}

void References::acquire(Pid target, const ReferencePtr& reference, std::vector<ReferenceEntry>& entries) {
  if (!reference->belongs_to(*this))
    throw Error("a future, channel or object of another cluster (cohort::Node) cannot be sent");
  if (reference->owner == router().self()) {
    detail::MutexLock lock(mutex_);
    if (router().is_gone(target)) return;  // under the lock, so that drop_client() comes before or after
    owned_.enter(reference->ref, target, [&] { return reference; });
  } else {
    {
      detail::MutexLock lock(mutex_);
      const auto& known = handles_[reference->ref];
      if (known.expired()) list(reference);  // it may come back
    }
    send_change(reference->owner, reference->ref, target, 1, true);
  }
  entries.push_back({reference->owner, reference->ref.whence, reference->ref.id});
}

// What acquire() did, for a frame that is not sent after all.
void References::take_back(Pid target, std::span<const ReferenceEntry> entries) noexcept {
  for (const auto& entry : entries) {
    const RefId ref{entry.whence, entry.id};
    try {
      if (entry.where == router().self())
        leave(ref, target);
      else
        send_change(entry.where, ref, target, -1, false);
    } catch (const std::exception&) {  // no memory left: the entry stays until the target ends
    }
  }
}

std::shared_ptr<Completion> References::send(Connection& connection, FrameKind kind, std::uint8_t flags,
                                             std::uint64_t request, const Payload& payload, SendQueue::Mode mode,
                                             std::span<const std::byte> prefix) {
  std::vector<ReferenceEntry> entries;
  try {
    entries.reserve(payload.references.size());
    for (const auto& reference : payload.references) acquire(connection.peer(), reference, entries);
    return connection.send(kind, flags, request, payload, mode, entries, prefix);
  } catch (...) {
    take_back(connection.peer(), entries);
    throw;
  }
}

void References::remember(const std::shared_ptr<detail::Reference>& handle) {
  detail::MutexLock lock(mutex_);
  list(handle);
}

void References::list(const ReferencePtr& handle) {
  handles_[handle->ref] = handle;
  handle->listed.store(true);
}

std::vector<detail::FuturePtr> References::futures_of(const std::set<Pid>& owners) {
  std::vector<detail::FuturePtr> futures;
  detail::MutexLock lock(mutex_);
  for (const auto& [ref, known] : handles_) {
    const auto handle = known.lock();
    if (handle == nullptr || !owners.contains(handle->owner)) continue;
    if (auto future = std::dynamic_pointer_cast<detail::FutureState>(handle)) futures.push_back(std::move(future));
  }
  return futures;
}

bool References::acquiring_waits(const std::vector<std::shared_ptr<detail::Reference>>& references) {
  return std::any_of(references.begin(), references.end(), [this](const auto& reference) {
    const Pid owner = reference->owner;
    return owner != router().self() && router().existing_connection(owner) == nullptr && !router().is_gone(owner) &&
           router().may_connect(owner);
  });
}

std::vector<std::shared_ptr<detail::Reference>> References::adopt(std::span<const ReferenceEntry> entries) {
  std::vector<std::shared_ptr<detail::Reference>> references;
  references.reserve(entries.size());
  for (const auto& named : entries) {
    const RefId ref{named.whence, named.id};
    if (named.where == router().self()) {
      std::vector<ReferencePtr> dropped;  // destroyed after the lock
      detail::MutexLock lock(mutex_);
      const auto* object = owned_.find(ref);
      ReferencePtr state = object == nullptr ? nullptr : *object;
      owned_.leave(ref, router().self(), dropped);  // a handle of the owner's own needs no count
      lock.unlock();
      if (state == nullptr) state = make_handle(ref, router().self());
      references.push_back(std::move(state));
    } else {
      detail::MutexLock lock(mutex_);
      auto state = handles_[ref].lock();
      if (state == nullptr) {
        state = make_handle(ref, named.where);
        list(state);
      }
      lock.unlock();
      state->add_held(1);
      // Whoever has the encoded value may send it on, and with it the handle's name.
      references.emplace_back(std::make_shared<Reference::Sending>(state), state.get());
    }
  }
  return references;
}

void References::release(Pid owner, RefId ref, int count) {
  if (router_.load(std::memory_order_acquire) == nullptr || is_forked_child()) return;
  {
    detail::MutexLock lock(mutex_);
    if (auto known = handles_.find(ref); known != handles_.end() && known->second.expired()) handles_.erase(known);
  }
  if (count > 0) send_change(owner, ref, router().self(), -count, false);
}

// A change goes by the direct connection if there is one; an acquire makes one where it may. Else the master passes it
// on: then there never is a direct one, or the change is a release, which may be late.
void References::send_change(Pid owner, RefId ref, Pid client, int change, bool must_arrive) {
  std::shared_ptr<Connection> connection;
  try {
    connection = router().existing_connection(owner);
    if (connection == nullptr && must_arrive && router().may_connect(owner)) connection = router().connection_to(owner);
    if (connection == nullptr) connection = router().existing_connection(master_pid);
  } catch (const Error&) {  // the owner is gone, and the value with it
  }
  if (connection == nullptr || router().is_gone(owner)) return;
  const Payload payload = encode_change({owner, ref.whence, ref.id, client, change});
  const auto mode = router().reactor().on_loop() ? SendQueue::Mode::gather_on_loop : SendQueue::Mode::gather;
  connection->send(FrameKind::references, 0, payload.body.span(), mode);
}

void References::on_frame(const std::shared_ptr<Connection>& sender, const Frame& frame) {
  Payload payload;
  payload.body = frame.body;
  if (frame.header.flags == references_table) {
    sender->send(FrameKind::result, result_value, frame.header.request, encode(table()),
                 SendQueue::Mode::gather_on_loop);
    return;
  }
  InArchive archive(payload);
  Change message{};
  archive(message.owner, message.whence, message.id, message.client, message.change);
  if (message.owner != router().self()) {
    if (auto connection = router().existing_connection(message.owner)) {
      connection->send(FrameKind::references, 0, frame.body.span(), SendQueue::Mode::gather_on_loop);
    }
    return;
  }
  std::vector<ReferencePtr> dropped;
  detail::MutexLock lock(mutex_);
  if (router().is_gone(message.client)) return;
  const RefId ref{message.whence, message.id};
  make_future_of_open(ref);
  if (owned_.find(ref) == nullptr && ref.kind() != ReferenceKind::future) return;
  owned_.count(ref, message.client, message.change, dropped, [&] {  // this is Future(pid) there
    auto state = std::make_shared<FutureState>(shared_from_this(), ref, router().self(), false);
    state->mark_shared();  // others will ask for it
    return state;
  });
  lock.unlock();
  if (frame.header.request != 0) {
    sender->send(FrameKind::result, frame.header.request, {}, SendQueue::Mode::gather_on_loop);
  }
}

void References::drop_client(Pid client) {
  std::vector<ReferencePtr> touched;
  detail::MutexLock lock(mutex_);
  owned_.forget(client, touched);
  const auto [first, last] = watchers_.equal_range(client);
  for (auto watcher = first; watcher != last; ++watcher) {
    if (auto reference = watcher->second.lock()) touched.push_back(std::move(reference));
  }
  watchers_.erase(first, last);
  lock.unlock();
  for (const auto& reference : touched) reference->on_gone(client);
}

void References::disconnected(Pid client) {
  std::vector<ReferencePtr> held;
  {
    detail::MutexLock lock(mutex_);
    for (const auto& [ref, entry] : owned_) {
      if (entry.counts.contains(client)) held.push_back(entry.object);
    }
  }
  for (const auto& reference : held) reference->on_disconnected(client);
}

bool References::serves_others() const {
  detail::MutexLock lock(mutex_);
  return owned_.begin() != owned_.end() || !open_results_.empty();
}

ReferenceTable References::table() const {
  ReferenceTable table;
  std::vector<ReferencePtr> objects;  // asked, and perhaps destroyed, after the lock
  detail::MutexLock lock(mutex_);
  for (const auto& [ref, entry] : owned_) {
    ReferenceTable::Entry row;
    row.whence = ref.whence;
    row.id = ref.id & ((std::uint64_t{1} << RefId::kind_shift) - 1);
    row.kind = ref.kind() == ReferenceKind::future    ? "future"
               : ref.kind() == ReferenceKind::channel ? "channel"
                                                      : "object";
    for (const auto& [client, count] : entry.counts) {
      if (!router().is_gone(client)) row.clients.push_back(client);
    }
    if (row.clients.empty()) continue;  // it goes in this moment
    table.entries.push_back(std::move(row));
    objects.push_back(entry.object);
  }
  for (const OpenResult& result : open_results_) {
    if (router().is_gone(result.caller)) continue;
    table.entries.push_back(
        {.whence = result.ref.whence, .id = result.ref.id, .kind = "future", .clients = {result.caller}});
  }
  lock.unlock();
  for (std::size_t i = 0; i < objects.size(); i++) table.entries[i].bytes = objects[i]->bytes();
  return table;
}

}  // namespace cohort
