#include "remote/references.hpp"

#include <cohort/archive.hpp>
#include <cohort/error.hpp>

#include <utility>

#include "remote/call_context.hpp"

namespace cohort {

using detail::FuturePtr;
using detail::FutureState;

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
  Router* router = router_.load(std::memory_order_acquire);
  if (router == nullptr) throw Error("the session has ended");
  return *router;
}

FuturePtr References::make_local() {
  Lock lock(mutex_);
  return std::make_shared<FutureState>(shared_from_this(), RefId{router().self(), next_id_++}, router().self(), false);
}

FuturePtr References::make_for_call(Pid owner) {
  Lock lock(mutex_);
  auto state = std::make_shared<FutureState>(shared_from_this(), RefId{router().self(), next_id_++}, owner, true);
  state->add_held(1);  // the owner enters it as the call arrives
  return state;
}

FuturePtr References::make_remote(Pid owner) {
  FuturePtr state;
  {
    Lock lock(mutex_);
    state = std::make_shared<FutureState>(shared_from_this(), RefId{router().self(), next_id_++}, owner, false);
    handles_[state->ref] = state;
  }
  state->add_held(1);
  enter_at_owner(*state);
  return state;
}

void References::enter_at_owner(const FutureState& state) {
  struct Entered final : Request {
    Pid owner = no_pid;
    std::exception_ptr failure;
    void on_result(Frame&&) noexcept override {}
    void on_lost(const std::string& cause) noexcept override {
      failure = std::make_exception_ptr(ProcessExitedException(owner, cause));
    }
  };
  auto connection = router().connection_to(state.owner);
  auto entered = std::make_shared<Entered>();
  entered->owner = state.owner;
  const auto id = connection->requests().add(entered);
  if (!id) throw ProcessExitedException(state.owner, "the connection ended");
  const Payload payload = encode_change({state.owner, state.ref.whence, state.ref.id, router().self(), 1});
  connection->send(FrameKind::references, *id, payload.body.span(), SendQueue::Mode::before_wait);
  wait_interruptibly(router().reactor(), *entered);
  if (entered->failure) std::rethrow_exception(entered->failure);
}

FuturePtr References::enter(RefId ref, Pid caller) {
  Lock lock(mutex_);
  auto [place, inserted] = owned_.try_emplace(ref);
  if (inserted) place->second.state = std::make_shared<FutureState>(shared_from_this(), ref, router().self(), false);
  place->second.counts[caller]++;
  return place->second.state;
}

void References::leave(RefId ref, Pid client) {
  std::vector<FuturePtr> dropped;
  Lock lock(mutex_);
  if (auto entry = owned_.find(ref); entry != owned_.end()) count(lock, entry, client, -1, dropped);
  lock.unlock();
}

FuturePtr References::find(RefId ref) {
  Lock lock(mutex_);
  auto entry = owned_.find(ref);
  return entry == owned_.end() ? nullptr : entry->second.state;
}

// mutex_ held.
void References::count(Lock&, std::map<RefId, Entry>::iterator entry, Pid client, int change,
                       std::vector<FuturePtr>& dropped) {
  auto [place, inserted] = entry->second.counts.try_emplace(client, 0);
  place->second += change;
  if (place->second == 0) entry->second.counts.erase(place);
  if (!entry->second.unused()) return;
  dropped.push_back(std::move(entry->second.state));
  owned_.erase(entry);
}

std::vector<ReferenceEntry> References::acquire_for(Pid target,
                                                    const std::vector<std::shared_ptr<detail::Reference>>& references) {
  std::vector<ReferenceEntry> entries;
  entries.reserve(references.size());
  for (const auto& reference : references) {
    auto state = std::static_pointer_cast<FutureState>(reference);
    if (state->owner == router().self()) {
      Lock lock(mutex_);
      if (router().is_gone(target)) continue;  // under the lock, so that drop_client() comes before or after
      auto [place, inserted] = owned_.try_emplace(state->ref);
      if (inserted) place->second.state = state;
      auto [counter, first] = place->second.counts.try_emplace(target, 0);
      if (++counter->second == 0) place->second.counts.erase(counter);
    } else {
      {
        Lock lock(mutex_);
        handles_[state->ref] = state;  // it may come back
      }
      send_change(state->owner, state->ref, target, 1, true);
    }
    entries.push_back({state->owner, state->ref.whence, state->ref.id});
  }
  return entries;
}

std::vector<std::shared_ptr<detail::Reference>> References::adopt(std::span<const ReferenceEntry> entries) {
  std::vector<std::shared_ptr<detail::Reference>> references;
  references.reserve(entries.size());
  for (const auto& named : entries) {
    const RefId ref{named.whence, named.id};
    if (named.where == router().self()) {
      std::vector<FuturePtr> dropped;  // destroyed after the lock
      Lock lock(mutex_);
      auto entry = owned_.find(ref);
      FuturePtr state;
      if (entry != owned_.end()) {
        state = entry->second.state;
        count(lock, entry, router().self(), -1, dropped);  // a handle of the owner's own needs no count
      }
      lock.unlock();
      if (state == nullptr) {
        state = std::make_shared<FutureState>(shared_from_this(), ref, router().self(), false);
        state->fail(std::make_exception_ptr(Error("Local instance of remote reference not found")));
      }
      references.push_back(std::move(state));
    } else {
      FuturePtr state;
      Lock lock(mutex_);
      auto& known = handles_[ref];
      state = known.lock();
      if (state == nullptr) {
        state = std::make_shared<FutureState>(shared_from_this(), ref, named.where, false);
        known = state;
      }
      lock.unlock();
      state->add_held(1);
      references.push_back(std::move(state));
    }
  }
  return references;
}

void References::release(Pid owner, RefId ref, int count) {
  if (router_.load(std::memory_order_acquire) == nullptr) return;
  {
    Lock lock(mutex_);
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
  InArchive archive(payload);
  Change message{};
  archive(message.owner, message.whence, message.id, message.client, message.change);
  if (message.owner != router().self()) {
    if (auto connection = router().existing_connection(message.owner)) {
      connection->send(FrameKind::references, 0, frame.body.span(), SendQueue::Mode::gather_on_loop);
    }
    return;
  }
  std::vector<FuturePtr> dropped;
  Lock lock(mutex_);
  if (router().is_gone(message.client)) return;
  const RefId ref{message.whence, message.id};
  auto entry = owned_.find(ref);
  if (entry == owned_.end()) {
    // Only the process that makes the name can make an entry: this is Future(pid) there.
    if (message.whence != message.client || message.change <= 0) return;
    entry = owned_.try_emplace(ref).first;
    entry->second.state = std::make_shared<FutureState>(shared_from_this(), ref, router().self(), false);
    entry->second.state->outcome_or_share(nullptr);  // others will ask for it
  }
  count(lock, entry, message.client, message.change, dropped);
  lock.unlock();
  if (frame.header.request != 0) {
    sender->send(FrameKind::result, frame.header.request, {}, SendQueue::Mode::gather_on_loop);
  }
}

void References::drop_client(Pid client) {
  std::vector<FuturePtr> dropped;
  Lock lock(mutex_);
  for (auto entry = owned_.begin(); entry != owned_.end();) {
    auto next = std::next(entry);
    if (entry->second.counts.erase(client) > 0 && entry->second.unused()) {
      dropped.push_back(std::move(entry->second.state));
      owned_.erase(entry);
    }
    entry = next;
  }
  lock.unlock();
}

std::size_t References::entries() const {
  Lock lock(mutex_);
  return owned_.size();
}

}  // namespace cohort
