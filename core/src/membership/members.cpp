#include "membership/members.hpp"

#include <algorithm>
#include <utility>

namespace cohort {

std::uint64_t Members::epoch() const {
  detail::MutexLock lock(mutex_);
  return epoch_;
}

void Members::set_epoch(std::uint64_t epoch) {
  detail::MutexLock lock(mutex_);
  epoch_ = std::max(epoch_, epoch);
}

void Members::add(const MemberInfo& member) {
  detail::MutexLock lock(mutex_);
  if (gone_.contains(member.pid)) return;
  Member& known = members_[member.pid];
  if (known.added) give_up_place(known.info.place);
  known.info = member;
  known.added = true;
  if (places_) places_->insert(member.place);
  epoch_++;
}

void Members::give_up_place(std::int32_t place) {
  if (!places_) return;
  places_->erase(places_->find(place));
  if (place >= 0) free_from_ = std::min(free_from_, place);
}

std::int32_t Members::free_place() {
  detail::MutexLock lock(mutex_);
  if (!places_) {
    places_.emplace();
    for (const auto& [pid, member] : members_) {
      if (member.added) places_->insert(member.info.place);
    }
  }
  while (places_->contains(free_from_)) free_from_++;
  return free_from_;
}

std::optional<Members::Removed> Members::remove(Pid pid, const std::string& cause) {
  detail::MutexLock lock(mutex_);
  if (!gone_.try_emplace(pid, cause).second) return std::nullopt;
  Removed removed;
  if (auto member = members_.find(pid); member != members_.end()) {
    removed = {std::move(member->second.connection), std::move(member->second.attempt)};
    if (member->second.added) give_up_place(member->second.info.place);
    members_.erase(member);
  }
  epoch_++;
  return removed;
}

void Members::set_ids_given(IdsGiven ids) {
  detail::MutexLock lock(mutex_);
  ids_given_ = std::move(ids);
}

bool Members::was_removed(Pid pid) const {
  if (gone_.contains(pid)) return true;
  const auto member = members_.find(pid);
  const bool is_member = member != members_.end() && member->second.added;
  return pid > master_pid && pid <= ids_given_.highest && !is_member &&
         !std::binary_search(ids_given_.coming_up.begin(), ids_given_.coming_up.end(), pid);
}

bool Members::contains(Pid pid) const {
  detail::MutexLock lock(mutex_);
  const auto member = members_.find(pid);
  return member != members_.end() && member->second.added;
}

bool Members::is_gone(Pid pid) const {
  detail::MutexLock lock(mutex_);
  return was_removed(pid);
}

std::string Members::cause_of_end(Pid pid) const {
  detail::MutexLock lock(mutex_);
  auto gone = gone_.find(pid);
  return gone == gone_.end() ? "" : gone->second;
}

std::vector<MemberInfo> Members::list() const {
  detail::MutexLock lock(mutex_);
  std::vector<MemberInfo> members;
  for (const auto& [pid, member] : members_) {
    if (member.added) members.push_back(member.info);
  }
  return members;
}

std::vector<Pid> Members::pids() const {
  detail::MutexLock lock(mutex_);
  std::vector<Pid> pids;
  for (const auto& [pid, member] : members_) {
    if (member.added) pids.push_back(pid);
  }
  return pids;
}

std::vector<Pid> Members::working() const {
  detail::MutexLock lock(mutex_);
  std::vector<Pid> pids;
  for (const auto& [pid, member] : members_) {
    if (member.added && !member.info.draining) pids.push_back(pid);
  }
  return pids;
}

bool Members::is_draining(Pid pid) const {
  detail::MutexLock lock(mutex_);
  const auto member = members_.find(pid);
  return member != members_.end() && member->second.info.draining;
}

void Members::set_draining(Pid pid, bool draining) {
  detail::MutexLock lock(mutex_);
  if (const auto member = members_.find(pid); member != members_.end()) member->second.info.draining = draining;
}

std::shared_ptr<Connection> Members::connection(Pid pid) const {
  detail::MutexLock lock(mutex_);
  auto member = members_.find(pid);
  return member == members_.end() ? nullptr : member->second.connection;
}

bool Members::bind(Pid pid, const std::shared_ptr<Connection>& connection) {
  detail::MutexLock lock(mutex_);
  if (was_removed(pid)) return false;
  auto& member = members_[pid];
  member.info.pid = pid;
  if (member.connection != nullptr && !member.connection->closed()) return false;
  member.connection = connection;
  return true;
}

void Members::unbind(Pid pid, const Connection* connection) {
  std::shared_ptr<Connection> released;
  detail::MutexLock lock(mutex_);
  auto member = members_.find(pid);
  if (member != members_.end() && member->second.connection.get() == connection) {
    released = std::move(member->second.connection);
    if (!member->second.added) members_.erase(member);
  }
}

std::vector<std::shared_ptr<Connection>> Members::connections() const {
  detail::MutexLock lock(mutex_);
  std::vector<std::shared_ptr<Connection>> connections;
  for (const auto& [pid, member] : members_) {
    if (member.connection != nullptr) connections.push_back(member.connection);
  }
  return connections;
}

Members::Attempted Members::attempt(Pid pid) {
  detail::MutexLock lock(mutex_);
  Attempted result;
  auto place = members_.find(pid);
  if (place == members_.end()) return result;
  Member& member = place->second;
  result.address = member.info.address;
  if (member.connection != nullptr) {
    result.connection = member.connection;
    return result;
  }
  if (member.attempt == nullptr) {
    member.attempt = std::make_shared<ConnectAttempt>();
    result.start = true;
  }
  result.attempt = member.attempt;
  return result;
}

std::shared_ptr<ConnectAttempt> Members::take_attempt(Pid pid) {
  detail::MutexLock lock(mutex_);
  auto member = members_.find(pid);
  return member == members_.end() ? nullptr : std::exchange(member->second.attempt, nullptr);
}

}  // namespace cohort
