// Whether a process is gone, and why: what the master tells workers that lost one.

#include <utility>

#include "node/master.hpp"
#include "node/messages.hpp"
#include "remote/messages.hpp"

namespace cohort {

// A worker lost that process, or cannot reach it. Whether it is gone shows by a ping, unless that is known already.
void Master::tell_fate(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  struct Alive final : Request {
    Master* master;
    Pid pid;
    void on_result(Frame&&) noexcept override { master->answer_fate(pid); }
    void on_lost(const std::string&) noexcept override {}  // end_worker() answers when it knows why
  };
  const std::uint64_t request = frame.header.request;
  const Pid pid = from_frame<AskFate>(std::move(frame)).pid;
  {
    detail::MutexLock lock(mutex_);
    askers_.insert({pid, {connection, request}});
  }
  const auto record = record_of(pid);
  if (record == nullptr || node_->members().is_gone(pid)) return answer_fate(pid);
  auto member = node_->members().connection(pid);
  if (member == nullptr || record->removing) return;  // it is coming up, or about to go
  auto alive = std::make_shared<Alive>();
  alive->master = this;
  alive->pid = pid;
  if (const auto id = member->requests().add(alive)) member->send(FrameKind::ping, *id, {}, SendQueue::Mode::ahead);
}

// Any thread.
void Master::answer_fate(Pid pid) {
  std::vector<Asker> askers;
  {
    detail::MutexLock lock(mutex_);
    const auto [first, last] = askers_.equal_range(pid);
    for (auto asker = first; asker != last; ++asker) askers.push_back(asker->second);
    askers_.erase(first, last);
  }
  if (askers.empty()) return;
  const Payload fate = to_payload(Fate{node_->members().is_gone(pid), node_->members().cause_of_end(pid)});
  for (const auto& asker : askers)
    asker.connection->send(FrameKind::result, result_value, asker.request, fate, SendQueue::Mode::gather);
}

std::optional<std::string> Master::cause_if_gone(Pid pid) {
  return node_->members().is_gone(pid) ? std::optional(node_->members().cause_of_end(pid)) : std::nullopt;
}

IdsGiven Master::ids_given() const {
  detail::MutexLock lock(mutex_);
  IdsGiven ids{next_pid_ - 1, {}};
  for (const auto& [pid, record] : records_) {
    if (!node_->members().contains(pid) && !node_->members().is_gone(pid)) ids.coming_up.push_back(pid);
  }
  return ids;
}

}  // namespace cohort
