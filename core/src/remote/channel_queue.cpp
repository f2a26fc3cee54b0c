#include "remote/channel_queue.hpp"

#include <utility>

#include <cohort/error.hpp>

namespace cohort::detail {

ChannelQueue::Waiting& ChannelQueue::list_of(const Operation& operation) {
  switch (operation.kind) {
    case Kind::put:
      return putters_;
    case Kind::take:
    case Kind::lease:
      return takers_;
    default:
      return lookers_;
  }
}

ChannelQueue::Waiting::iterator ChannelQueue::unlink(Waiting::iterator place) {
  (*place)->queued_ = false;
  if (std::exchange((*place)->of_client_, false)) of_clients_.erase((*place)->place_of_client_);
  return list_of(**place).erase(place);
}

// The putter whose turn is next; those whom nobody waits for any more are dropped.
ChannelQueue::OperationPtr ChannelQueue::first_putter() {
  while (!putters_.empty()) {
    if (putters_.front()->claim()) return putters_.front();
    unlink(putters_.begin());
  }
  return nullptr;
}

bool ChannelQueue::available() { return !items_.empty() || first_putter() != nullptr; }

// There is one, and it was claimed.
ChannelItem ChannelQueue::take_from_first_putter(Done& done) {
  const OperationPtr putter = putters_.front();
  ChannelItem item = std::move(putter->item);
  if (!putter->further_items.empty()) {
    putter->item = std::move(putter->further_items.front());
    putter->further_items.pop_front();
  } else {
    unlink(putters_.begin());
    done.push_back(putter);
  }
  return item;
}

// available() was true.
ChannelItem ChannelQueue::take_first(Done& done) {
  if (items_.empty()) return take_from_first_putter(done);
  ChannelItem item = std::move(items_.front());
  items_.pop_front();
  admit(done);
  return item;
}

void ChannelQueue::admit(Done& done) {
  while (items_.size() < capacity_ && first_putter() != nullptr) items_.push_back(take_from_first_putter(done));
}

// It was claimed.
void ChannelQueue::give(Operation& taker, ChannelItem item) {
  if (taker.kind == Kind::lease) {
    item.shared = true;
    taker.lease = ++last_lease_;
    leases_.emplace(std::pair(taker.client(), taker.lease), item);
  }
  taker.item = std::move(item);
}

void ChannelQueue::match(Done& done) {
  admit(done);
  while (!lookers_.empty() && available()) {
    auto looker = lookers_.front();
    unlink(lookers_.begin());
    if (!looker->claim()) continue;
    if (looker->kind == Kind::fetch) {
      ChannelItem& first = items_.empty() ? putters_.front()->item : items_.front();
      first.shared = true;
      looker->item = first;
    }
    done.push_back(std::move(looker));
  }
  while (!takers_.empty() && available()) {
    auto taker = takers_.front();
    unlink(takers_.begin());
    if (!taker->claim()) continue;
    give(*taker, take_first(done));
    done.push_back(std::move(taker));
  }
  if (closed_by_ == nullptr) return;
  fail(putters_, done);
  if (exhausted()) {
    fail(takers_, done);
    fail(lookers_, done);
  }
}

// Once it is closed, nothing can come any more.
bool ChannelQueue::exhausted() { return !available() && leases_.empty(); }

void ChannelQueue::fail(Waiting& waiting, Done& done) {
  while (!waiting.empty()) {
    auto operation = waiting.front();
    unlink(waiting.begin());
    if (!operation->claim(true)) continue;
    operation->failure = closed_by_;
    done.push_back(std::move(operation));
  }
}

void ChannelQueue::tell(const Done& done) {
  for (const auto& operation : done) operation->done();
}

void ChannelQueue::start(const OperationPtr& operation) {
  Done done;
  MutexLock lock(mutex_);
  if (operation->kind == Kind::put && closed_by_ != nullptr) {
    operation->failure = closed_by_;
    done.push_back(operation);
    lock.unlock();
    return tell(done);
  }
  Waiting& waiting = list_of(*operation);
  operation->place_ = waiting.insert(waiting.end(), operation);
  operation->queued_ = true;
  match(done);
  if (operation->queued_ && operation->client() != no_pid) {  // most are done at once
    operation->place_of_client_ =
        of_clients_.emplace(std::pair(operation->client(), operation->request()), &*operation);
    operation->of_client_ = true;
  }
  lock.unlock();
  tell(done);
}

std::vector<ChannelQueue::OperationPtr> ChannelQueue::waiting_for(Pid client, std::uint64_t request) {
  MutexLock lock(mutex_);
  std::vector<OperationPtr> waiting;
  const auto [first, last] = of_clients_.equal_range({client, request});
  for (auto operation = first; operation != last; ++operation) waiting.push_back(*operation->second->place_);
  return waiting;
}

void ChannelQueue::end_lease(Pid client, std::uint64_t lease, bool back) {
  Done done;
  ChannelItem ended;  // destroyed after the lock
  MutexLock lock(mutex_);
  const auto found = leases_.find({client, lease});
  if (found == leases_.end()) return;
  ended = std::move(found->second);
  leases_.erase(found);
  if (back) items_.push_front(std::move(ended));
  match(done);
  lock.unlock();
  tell(done);
}

// The latest first, each to the front.
void ChannelQueue::take_back(Pid client) {
  const auto first = leases_.lower_bound({client, 0});
  auto last = first;
  while (last != leases_.end() && last->first.first == client) ++last;
  for (auto lease = last; lease != first;) items_.push_front(std::move((--lease)->second));
  leases_.erase(first, last);
}

void ChannelQueue::end_leases(Pid client) {
  Done done;
  MutexLock lock(mutex_);
  take_back(client);
  match(done);
  lock.unlock();
  tell(done);
}

void ChannelQueue::drop_client(Pid client) {
  Done done;
  Done dropped;  // after the lock
  MutexLock lock(mutex_);
  for (auto own = of_clients_.lower_bound({client, 0}); own != of_clients_.end() && own->first.first == client;) {
    const auto place = (own++)->second->place_;
    dropped.push_back(*place);
    unlink(place);
  }
  take_back(client);
  match(done);
  lock.unlock();
  tell(done);
}

bool ChannelQueue::withdraw(const OperationPtr& operation) {
  MutexLock lock(mutex_);
  if (!operation->queued_) return false;
  unlink(operation->place_);
  return true;
}

bool ChannelQueue::try_put(ChannelItem&& item) {
  Done done;
  MutexLock lock(mutex_);
  if (closed_by_ != nullptr) std::rethrow_exception(closed_by_);
  if (items_.size() < capacity_) {
    items_.push_back(std::move(item));
    match(done);
    lock.unlock();
    tell(done);
    return true;
  }
  while (capacity_ == 0 && !takers_.empty()) {  // from hand to hand
    auto taker = takers_.front();
    unlink(takers_.begin());
    if (!taker->claim()) continue;
    give(*taker, std::move(item));
    done.push_back(std::move(taker));
    lock.unlock();
    tell(done);
    return true;
  }
  return false;
}

bool ChannelQueue::try_take(ChannelItem& item) {
  if (take_more(item)) return true;
  MutexLock lock(mutex_);
  if (closed_by_ != nullptr && exhausted()) std::rethrow_exception(closed_by_);
  return false;
}

bool ChannelQueue::take_more(ChannelItem& item) {
  return take_more(item, [](const ChannelItem&) { return true; });
}

bool ChannelQueue::try_fetch(ChannelItem& item) {
  MutexLock lock(mutex_);
  if (!available()) {
    if (closed_by_ != nullptr && exhausted()) std::rethrow_exception(closed_by_);
    return false;
  }
  ChannelItem& first = items_.empty() ? putters_.front()->item : items_.front();
  first.shared = true;
  item = first;
  return true;
}

void ChannelQueue::close(std::exception_ptr reason) {
  if (reason == nullptr) reason = std::make_exception_ptr(ChannelClosedError());
  Done done;
  MutexLock lock(mutex_);
  if (closed_by_ != nullptr) return;
  closed_by_ = std::move(reason);
  match(done);
  lock.unlock();
  tell(done);
}

ChannelStatus ChannelQueue::status() {
  MutexLock lock(mutex_);
  return {items_.size(), closed_by_ == nullptr, available()};
}

}  // namespace cohort::detail
