// How workers end: those that are lost, those that are removed, and all of them with the program.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include <cohort/error.hpp>

#include "base/durations.hpp"
#include "base/log.hpp"
#include "membership/arrival.hpp"
#include "node/addprocs_call.hpp"
#include "node/master.hpp"
#include "node/messages.hpp"
#include "node/open_launch_queue.hpp"

namespace cohort {
namespace {

constexpr Duration exit_output_limit = std::chrono::milliseconds(500);
constexpr Duration exit_cause_limit = std::chrono::seconds(5);  // for exit_cause() of a worker that is lost
constexpr Duration return_limit = std::chrono::seconds(3);      // for functions of managers when the program ends

}  // namespace

void Master::on_lost(const std::shared_ptr<Connection>& connection, const std::string& reason) {
  auto record = record_of(connection->peer());
  if (record == nullptr) return node_->fail_requests(*connection, reason);
  if (record->output) output_.end_feed(*record->output);
  if (!record->joined.load()) {
    node_->fail_requests(*connection, reason);
    if (auto call = record->addprocs_call.lock()) call->lost(record, reason);
    return;
  }
  node_->blocking().run(
      [this, record, connection, reason] { end_worker(record, connection, reason, exit_cause(*record)); });
  // Calls wait for this end, and a manager of the user's own may never answer.
  record->cause_timer.start(node_->reactor(), exit_cause_limit, [this, record, connection, reason] {
    record->cause_timer.stop();
    node_->blocking().run([this, record, connection, reason] {
      if (record->ended.load()) return;
      log_warning(fmt::format("exit_cause() of manager '{}' for worker {} did not return within {}",
                              record->manager_name, record->pid, in_seconds(exit_cause_limit)));
      end_worker(record, connection, reason, "");
    });
  });
}

// A blocking thread; the first call counts. Everything that waits for the worker learns why it ended.
void Master::end_worker(const std::shared_ptr<WorkerRecord>& record, const std::shared_ptr<Connection>& connection,
                        const std::string& reason, std::string cause) {
  if (record->ended.exchange(true)) return;
  // A manager ends the process of a worker that was removed when it forgets it.
  const bool still_runs = cause.empty() && (!record->removing || record->launched_by != nullptr);
  if (record->removing)
    cause = record->removed_because + (record->ends_by_signal && !cause.empty() ? "; " + cause : "");
  else if (cause.empty())
    cause = reason;
  else if (!connection->last_word().empty())  // it ended the connection itself, and said why
    cause += ": " + connection->last_word();
  if (const std::string said = status(record->pid); !said.empty() && !record->removing)
    cause += "; its status: " + said;
  if (record->output) {
    output_.drain(*record->output, deadline_after(exit_output_limit));
    if (const auto tail = output_.tail(*record->output); !tail.empty() && !record->removing) {
      cause += "; its last words on standard error:\n" + tail;
    }
  }
  bool known;
  {
    detail::MutexLock lock(mutex_);
    known = node_->members().remove(record->pid, cause).has_value();
    list_again();
  }
  node_->drop_client(record->pid);
  if (known) {
    const Payload change = to_payload(MembersChange{node_->members().epoch(), {}, {{record->pid, cause}}, {}, {}});
    for (const auto& other : node_->members().connections()) {
      other->send(FrameKind::members, 0, 0, change, SendQueue::Mode::now);
    }
  }
  // Those who learn of it by this ask the other workers after these were told.
  answer_fate(record->pid);
  node_->membership_changed();
  node_->fail_requests(*connection, cause);
  if (!record->removing) log_error("Worker " + std::to_string(record->pid) + " terminated: " + cause);
  if (record->announced.load()) callbacks_->exited(record->pid, cause);
  if (still_runs) kill(*record);  // may take a while; by now everybody knows
  forget(record);
}

void Master::forget(const std::shared_ptr<WorkerRecord>& record) {
  for (const auto op : {ManageOp::deregister_worker, ManageOp::finalize}) {
    with_manager(*record, "manage",
                 [&](ClusterManager& manager, WorkerConfig& config) { manager.manage(record->pid, config, op); });
  }
  if (record->output) output_.remove(*record->output);
  replicated_state_->forget(record->pid);
  {
    detail::MutexLock lock(mutex_);
    node_->members().remove(record->pid);
    records_.erase(record->pid);
    if (record->announced.load()) list_again();
  }
  answer_fate(record->pid);
  node_->reactor().post([this, record] {
    record->leave_timer.stop();
    record->cause_timer.stop();
    record->connection.reset();
    node_->reactor().complete(record->gone);
  });
}

void Master::rmprocs(const std::vector<Pid>& pids, const RmprocsOptions& options, const std::string& cause) {
  CallbackTable::refuse_on_this_thread("remove");
  refuse_shorter(options.waitfor, Duration::zero(), "rmprocs: waitfor");
  std::set<std::shared_ptr<WorkerRecord>> wanted;
  for (const Pid pid : pids) {
    if (pid == master_pid) log_warning("rmprocs: process 1 not removed");
    auto record = record_of(pid);
    if (record != nullptr && record->joined.load()) wanted.insert(std::move(record));
  }
  std::vector<std::shared_ptr<WorkerRecord>> records, begun;
  {
    detail::MutexLock lock(mutex_);
    for (const auto& [pid, record] : records_) {  // those that one of them launched die with it
      const bool goes = wanted.contains(record) || wanted.contains(record->launched_by);
      if (!goes || !record->joined.load()) continue;
      records.push_back(record);
      if (record->removing.load()) continue;
      record->removed_because = cause;
      record->removing.store(true);
      begun.push_back(record);
    }
    if (!begun.empty()) list_again();
  }
  if (!begun.empty()) node_->membership_changed();
  std::reverse(begun.begin(), begun.end());  // those launched by others first
  if (callbacks_->empty())
    start_removals(begun);
  else
    node_->blocking().run([this, begun] { start_removals(begun); });
  if (options.waitfor == Duration::zero()) return;
  const auto start = Clock::now(), deadline = deadline_after(options.waitfor);
  // A function of a manager may never return. One worker after the other: there may be very many.
  const Duration patience = sum({time_to_end(), time_to_end(), exit_cause_limit});
  std::vector<Pid> left;
  for (const auto& record : records) {
    const auto until = left.empty() ? std::min(deadline, deadline_after(patience)) : Clock::now();
    if (node_->reactor().wait(*record->gone, until) != WaitResult::done) left.push_back(record->pid);
  }
  if (!left.empty()) {
    const std::string calls = manager_calls_.text();
    const auto now = Clock::now();
    const Duration waited = now >= deadline ? options.waitfor : std::chrono::floor<std::chrono::seconds>(now - start);
    throw Error(fmt::format("rmprocs: pids [{}] not terminated after {:g} seconds.{}{}", fmt::join(left, ", "),
                            std::chrono::duration<double>(waited).count(),
                            calls.empty() ? "" : " Not returned: ", calls));
  }
}

// Waits for callbacks, if there are any.
void Master::start_removals(const std::vector<std::shared_ptr<WorkerRecord>>& records) {
  for (const auto& record : records) callbacks_->exiting(record->pid);
  for (const auto& record : records) start_removal(record);
}

void Master::start_removal(const std::shared_ptr<WorkerRecord>& record) {
  node_->reactor().post([this, record] {
    if (record->connection == nullptr) return;
    record->connection->send(FrameKind::leave, 0, {}, SendQueue::Mode::before_wait);
    record->leave_timer.start(node_->reactor(), node_->timeouts().shutdown, [this, record] {
      record->leave_timer.stop();
      if (!record->gone->done()) node_->blocking().run([this, record] { force_removal(record); });
    });
  });
}

void Master::force_removal(const std::shared_ptr<WorkerRecord>& record) {
  log_warning("worker " + std::to_string(record->pid) + " did not leave within " +
              in_seconds(node_->timeouts().shutdown) + " and is killed");
  kill(*record);
  node_->reactor().post([record] {
    if (record->connection != nullptr) record->connection->close("removed");
  });
}

void Master::remove_all() noexcept {
  try {
    std::vector<Pid> pids;
    std::vector<std::shared_ptr<OpenLaunchQueue>> queues;
    std::vector<std::shared_ptr<ClusterManager>> managers;
    std::vector<std::weak_ptr<ArrivedWorkers>> acceptors;
    {
      detail::MutexLock lock(mutex_);
      queues = std::exchange(open_launch_queues_, {});
      managers = std::exchange(kept_managers_, {});
      acceptors = std::exchange(acceptors_, {});
    }
    for (const auto& queue : queues) queue->close();
    for (const auto& each : acceptors) {
      if (const auto acceptor = each.lock()) acceptor->master_ends();
    }
    managers.clear();
    {
      detail::MutexLock lock(mutex_);
      for (const auto& [pid, record] : records_) pids.push_back(pid);
    }
    rmprocs(pids, {.waitfor = time_to_end()});
  } catch (const std::exception& error) {
    log_error(std::string("Unable to terminate all workers: ") + error.what());
  }
}

Duration Master::time_to_end() const {
  const Timeouts limits = node_->timeouts();
  return sum({callbacks_->longest(), limits.shutdown, limits.term, limits.kill, std::chrono::seconds(2)});
}

bool Master::release_managers() {
  const auto deadline = deadline_after(return_limit);
  if (node_->blocking().wait_until_idle(deadline) && callbacks_->wait_until_idle(deadline)) return true;
  std::string running = manager_calls_.text();
  if (const std::string callbacks = callbacks_->running(); !callbacks.empty())
    running += (running.empty() ? "" : ", ") + callbacks;
  log_error("not returned after " + in_seconds(return_limit) + ": " + running + "; nobody waits for that any longer");
  output_.stop(never);
  return false;
}

}  // namespace cohort
