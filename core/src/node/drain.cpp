// Workers that leave when they have nothing to do any more.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "base/durations.hpp"
#include "base/log.hpp"
#include "node/answered.hpp"
#include "node/master.hpp"
#include "node/messages.hpp"
#include "node/worker.hpp"

namespace cohort {
namespace {

constexpr Duration unfinished_limit = std::chrono::seconds(1);        // for a worker to say what is unfinished
constexpr Duration look_again_after = std::chrono::milliseconds(10);  // whether something is unfinished

std::shared_ptr<Answered> ask(Members& members, Pid pid, DrainFlag flag) {
  auto answer = std::make_shared<Answered>();
  const auto connection = members.connection(pid);
  const auto id = connection == nullptr ? std::nullopt : connection->requests().add(answer);
  if (!id) return nullptr;  // it is gone
  connection->send(FrameKind::drain, flag, *id, Payload{}, SendQueue::Mode::before_wait);
  return answer;
}

}  // namespace

// --- The master. ---

void Master::set_draining(const std::vector<std::shared_ptr<WorkerRecord>>& records, bool draining) {
  std::vector<Pid> pids;
  {
    detail::MutexLock lock(mutex_);
    for (const auto& record : records) {
      record->draining.store(draining);
      node_->members().set_draining(record->pid, draining);
      pids.push_back(record->pid);
    }
    list_again();
  }
  if (draining) node_->bring_values_from(pids);
  MembersChange change{node_->members().epoch(), {}, {}, {}, {}};
  (draining ? change.draining : change.used_again) = std::move(pids);
  tell_all(change);
  node_->membership_changed();
}

// @return what is unfinished, as a sentence; "" if nothing is, or that is not known.
std::string Master::stop_draining(const WorkerRecord& record) {
  const auto answer = ask(node_->members(), record.pid, drain_stop);
  if (answer == nullptr) return "";
  if (node_->reactor().wait(*answer, deadline_after(unfinished_limit)) != WaitResult::done)
    return fmt::format("worker {} does not say what it does", record.pid);
  if (answer->lost || answer->refused) return "";
  Frame frame;
  frame.body = std::move(answer->body);
  const auto left = from_frame<Unfinished>(std::move(frame));
  std::string text;
  if (left.calls > 0)
    text += fmt::format("{} function{} there", left.calls, left.calls == 1 ? " runs or waits" : "s run or wait");
  if (left.values > 0)
    text += fmt::format("{}{} value{} there {} held by process{} {}", text.empty() ? "" : ", and ", left.values,
                        left.values == 1 ? "" : "s", left.values == 1 ? "is" : "are",
                        left.holders.size() == 1 ? "" : "es", fmt::join(left.holders, ", "));
  return text.empty() ? "" : fmt::format("worker {}: {}", record.pid, text);
}

void Master::drain(const std::vector<Pid>& pids, const DrainOptions& options) {
  CallbackTable::refuse_on_this_thread("remove");
  const std::set wanted(pids.begin(), pids.end());
  if (wanted.contains(master_pid)) throw Error("process 1 cannot be drained");
  std::vector<std::shared_ptr<WorkerRecord>> records;
  {
    detail::MutexLock lock(mutex_);
    for (const auto& [pid, record] : records_) {  // those that one of them launched end with it
      const bool goes = wanted.contains(pid) || (record->launched_by && wanted.contains(record->launched_by->pid));
      if (goes && record->announced.load() && !record->removing.load()) records.push_back(record);
    }
    for (const auto& record : records) {
      if (record->draining.load()) throw Error(fmt::format("drain: process {} is being drained already", record->pid));
    }
    for (const auto& record : records) record->draining.store(true);
  }
  set_draining(records, true);
  const std::string cause = options.cause.empty() ? "removed" : options.cause;
  std::vector<std::string> unfinished;
  const auto use_again = [&] {
    for (const auto& record : records) {
      if (auto text = stop_draining(*record); !text.empty()) unfinished.push_back(std::move(text));
    }
    set_draining(records, false);
  };
  try {
    std::vector<std::pair<Pid, std::shared_ptr<Answered>>> answers;
    for (const auto& record : records) {
      if (auto answer = ask(node_->members(), record->pid, drain_begin)) answers.emplace_back(record->pid, answer);
    }
    for (const auto& [pid, answer] : answers)
      wait_interruptibly(node_->reactor(), *answer, {options.deadline, options.stop_token},
                         "the end of the work of process", pid);
  } catch (const TimeoutError&) {
    if (options.remove_at_deadline) return rmprocs(pids, {}, cause);
    use_again();
    throw TimeoutError(fmt::format("drain: pids [{}] have not finished in time, and are used again{}{}",
                                   fmt::join(pids, ", "), unfinished.empty() ? "" : ".\n  ",
                                   fmt::join(unfinished, "\n  ")));
  } catch (...) {
    use_again();
    throw;
  }
  rmprocs(pids, {}, cause);
}

// A signal told the worker's process to end: by its scheduler, or by somebody's hand. It leaves when it has finished,
// if it has the time for that.
void Master::drain_by_signal(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  const auto record = record_of(connection->peer());
  if (record == nullptr || record->ends_by_signal.exchange(true)) return;
  const std::string what = excerpt({reinterpret_cast<const char*>(frame.body.data()), frame.body.size()}, 20);
  node_->blocking().run([this, record, what] {
    log_warning(fmt::format("worker {} got {}, and leaves when it has finished", record->pid, what));
    try {
      drain({record->pid}, {.cause = "ended by " + what});
    } catch (const std::exception& error) {
      log_warning(fmt::format("worker {}: {}", record->pid, error.what()));
    }
  });
}

// --- A worker. ---

Unfinished Worker::unfinished() {
  Unfinished left;
  left.calls = node_->calls().open();
  const auto table = node_->references().table();
  std::set<Pid> holders;
  for (const auto& entry : table.entries) holders.insert(entry.clients.begin(), entry.clients.end());
  left.values = table.entries.size();
  left.holders.assign(holders.begin(), holders.end());
  return left;
}

// Loop thread. A function may end, and a value be released, in many places, so this looks now and then.
void Worker::on_drain(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  const std::uint64_t request = frame.header.request;
  if (frame.header.flags == drain_stop) {
    drain_timer_.stop();
    node_->calls().keep_large_results(true);
    const Payload left = to_payload(unfinished());
    if (const auto begun = std::exchange(drain_request_, 0); begun != 0)
      connection->send(FrameKind::result, result_value, begun, left, SendQueue::Mode::gather_on_loop);
    connection->send(FrameKind::result, result_value, request, left, SendQueue::Mode::gather_on_loop);
    return;
  }
  drain_request_ = request;
  node_->calls().keep_large_results(false);
  drain_timer_.start(
      node_->reactor(), Duration::zero(),
      [this, weak = std::weak_ptr(connection)] {
        if (node_->calls().open() > 0 || node_->references().serves_others()) return;
        drain_timer_.stop();
        if (const auto master = weak.lock())
          master->send(FrameKind::result, result_value, std::exchange(drain_request_, 0), to_payload(Unfinished{}),
                       SendQueue::Mode::gather_on_loop);
      },
      look_again_after);
}

}  // namespace cohort
