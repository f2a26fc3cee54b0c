#include <cohort/spmd.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include <cohort/channel.hpp>
#include <cohort/cluster.hpp>
#include <cohort/error.hpp>

#include "team_mailbox.hpp"
#include "team_messages.hpp"

namespace cohort::detail {
namespace {

// How long ranks have to end by themselves when another one has failed, before their calls are cancelled.
constexpr Duration grace = std::chrono::milliseconds(500);
// How long cancelled ranks are waited for.
constexpr Duration last_wait = std::chrono::seconds(1);

TeamId new_id() {
  static const auto high = [] {
    std::random_device random;
    return std::uint64_t{random()} << 32 | random();
  }();
  static std::atomic<std::uint64_t> count{std::random_device()()};
  return {high, count.fetch_add(1)};
}

/// What the caller of spmd() hears: of a rank, or that its call has ended.
struct TeamEvent {
  TeamMessage message{};
  bool ended = false;  // the call of the rank message.from
  std::exception_ptr failure{};
};

class TeamInbox final : public TeamReceiver {
 public:
  void deliver(TeamMessage&& message) override { events.try_put({std::move(message)}); }
  const Channel<TeamEvent> events{unlimited};
};

/// What a call has failed of; null: it has not. It has ended.
std::exception_ptr failure_of(FutureState& call) {
  try {
    future_wait(call, {});
    return nullptr;
  } catch (...) {
    return std::current_exception();
  }
}

/// If the master passed the call on and says that the process has ended, that; otherwise the same.
std::exception_ptr as_direct(const std::exception_ptr& failure, Pid pid) {
  try {
    std::rethrow_exception(failure);
  } catch (const RemoteException& error) {
    if (error.cause() == nullptr) return failure;
    try {
      std::rethrow_exception(error.cause());
    } catch (const ProcessExitedException& exited) {
      if (exited.worker_id() == pid && error.worker() != pid) return error.cause();
    } catch (...) {
    }
  } catch (...) {
  }
  return failure;
}

bool is_end_of_process(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const ProcessExitedException&) {
    return true;
  } catch (...) {
    return false;
  }
}

/// "failed: std::out_of_range: too far".
std::string text_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const ProcessExitedException& exited) {
    return "has ended: " + exited.cause();
  } catch (const RemoteException& error) {
    return "has failed: " + error.type_name() + ": " + error.message();
  } catch (...) {
    return "has failed: " + message_of(failure);
  }
}

/// The caller's side of one spmd(). It runs on the calling thread.
class TeamRun {
 public:
  explicit TeamRun(const TeamStart& start) : start_(start), ranks_(start.pids.size()) {
    TeamTable::instance().add(start_.id, TeamMessage::caller_rank, inbox_);
  }
  ~TeamRun() { TeamTable::instance().remove(start_.id, TeamMessage::caller_rank); }
  TeamRun(const TeamRun&) = delete;
  TeamRun& operator=(const TeamRun&) = delete;

  void start_ranks(FunctionId function, const Payload& arguments, const std::function<FuturePtr()>& here) {
    for (std::size_t i = 0; i < ranks_.size(); i++) {
      const Pid pid = start_.pids[i];
      ranks_[i].call = pid == start_.caller ? here() : routes_.start(pid, function, arguments);
      future_on_ready(*ranks_[i].call, [events = inbox_->events, call = ranks_[i].call, rank = static_cast<int>(i)] {
        TeamEvent event;
        event.message.from = rank;
        event.ended = true;
        event.failure = failure_of(*call);
        events.put(std::move(event));
      });
    }
  }

  /// Returns when all have ended. @throws as Channel::take().
  void wait(const WaitOptions& options) {
    while (ended_count_ < ranks_.size()) {
      WaitOptions limits = options;
      if (cancel_at_) limits.deadline = std::min(limits.deadline.at(), *cancel_at_);
      try {
        handle(inbox_->events.take(limits));
        while (auto more = inbox_->events.try_take()) handle(std::move(*more));
      } catch (const TimeoutError&) {
        if (!cancel_at_ || options.deadline.at() <= Clock::now()) throw;
        cancel_at_.reset();
        cancel();
      }
      tell_ended();
    }
  }

  /// Cancels the calls that have not ended.
  void cancel() noexcept {
    for (const Rank& rank : ranks_) {
      try {
        if (rank.call != nullptr && !rank.ended) future_cancel(*rank.call);
      } catch (const std::exception&) {  // its process is ending
      }
    }
  }

  void throw_first_failure() const {
    if (culprit_ && ranks_[*culprit_].failure) std::rethrow_exception(ranks_[*culprit_].failure);
    if (first_failed_) std::rethrow_exception(ranks_[*first_failed_].failure);
  }

  std::vector<FuturePtr> results() const {
    std::vector<FuturePtr> calls;
    for (const Rank& rank : ranks_) calls.push_back(rank.call);
    return calls;
  }

 private:
  struct Rank {
    FuturePtr call;
    bool opened = false;
    bool ended = false;  // the call
    std::exception_ptr failure;
    std::optional<std::vector<std::uint64_t>> sent;  // its function has returned; how many messages to each rank
    bool waits = false;                              // it wants to know who has ended
    std::size_t told = 0;                            // how many of finished_
    bool is_running() const { return opened && !ended && !sent; }
  };

  void handle(TeamEvent event) {
    const auto place = static_cast<std::size_t>(event.message.from);
    if (place >= ranks_.size()) return;
    Rank& rank = ranks_[place];
    if (event.ended) {
      rank.ended = true;
      ended_count_++;
      if (event.failure) {
        rank.failure = as_direct(event.failure, start_.pids[place]);
        if (!first_failed_) first_failed_ = place;
        if (is_end_of_process(rank.failure) && blamed_ == place) culprit_ = place;
        fail("rank " + std::to_string(place) + " (process " + std::to_string(start_.pids[place]) + ") " +
                 text_of(rank.failure),
             place);
      }
      return;
    }
    switch (event.message.kind) {
      case TeamMessage::Kind::opened:
        rank.opened = true;
        opened_count_++;
        if (!failure_.empty()) {
          tell(place, TeamMessage::Kind::failed);
        } else if (opened_count_ == ranks_.size()) {
          for (std::size_t i = 0; i < ranks_.size(); i++) tell(i, TeamMessage::Kind::go);
        }
        break;
      case TeamMessage::Kind::finished:
        if (event.message.counts.size() != ranks_.size() || rank.sent) break;
        rank.sent = std::move(event.message.counts);
        finished_.push_back(place);
        break;
      case TeamMessage::Kind::waits:
        rank.waits = true;
        break;
      case TeamMessage::Kind::broken:
        if (!culprit_ && event.message.tag >= 0) blamed_ = static_cast<std::size_t>(event.message.tag);
        fail(event.message.text, place);
        break;
      default:
        break;
    }
  }

  void fail(const std::string& text, std::size_t rank) {
    if (!failure_.empty()) return;
    failure_ = text;
    culprit_ = rank;
    cancel_at_ = deadline_after(grace);
    for (std::size_t i = 0; i < ranks_.size(); i++)
      if (ranks_[i].is_running()) tell(i, TeamMessage::Kind::failed);
  }

  void tell_ended() {
    for (std::size_t i = 0; i < ranks_.size(); i++) {
      Rank& rank = ranks_[i];
      if (!rank.waits || !rank.is_running() || rank.told == finished_.size()) continue;
      std::vector<std::uint64_t> counts;
      for (; rank.told < finished_.size(); rank.told++) {
        counts.push_back(finished_[rank.told]);
        counts.push_back((*ranks_[finished_[rank.told]].sent)[i]);
      }
      tell(i, TeamMessage::Kind::ended, std::move(counts));
    }
  }

  void tell(std::size_t rank, TeamMessage::Kind kind, std::vector<std::uint64_t> counts = {}) noexcept {
    try {
      TeamMessage message;
      message.team = start_.id;
      message.to = static_cast<std::int32_t>(rank);
      message.kind = kind;
      message.text = failure_;
      message.counts = std::move(counts);
      routes_.post(start_.pids[rank], message);
    } catch (const std::exception&) {  // the end of its call says why
    }
  }

  const TeamStart& start_;
  TeamRoutes routes_;
  const std::shared_ptr<TeamInbox> inbox_ = std::make_shared<TeamInbox>();
  std::vector<Rank> ranks_;
  std::vector<std::size_t> finished_;  // ranks, in the order in which they have ended
  std::size_t opened_count_ = 0;
  std::size_t ended_count_ = 0;
  std::string failure_;
  std::optional<std::size_t> culprit_;  // whose failure spmd() throws
  std::optional<std::size_t> blamed_;   // that one could not send to it: its process may have ended
  std::optional<std::size_t> first_failed_;
  std::optional<Clock::time_point> cancel_at_;
};

}  // namespace

TeamStart new_team(const std::vector<Pid>& pids) {
  if (pids.empty()) throw Error("spmd: there is no process to run on");
  auto sorted = pids;
  std::sort(sorted.begin(), sorted.end());
  if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end())
    throw Error("spmd: process " + std::to_string(*twice) + " is listed twice");
  return {new_id(), myid(), pids};
}

std::vector<FuturePtr> run_team(const WaitOptions& options, const TeamStart& start, FunctionId function,
                                const Payload& arguments, const std::function<FuturePtr()>& here) {
  TeamRun run(start);
  try {
    run.start_ranks(function, arguments, here);
    run.wait(options);
  } catch (...) {
    run.cancel();
    const auto failure = std::current_exception();
    try {
      run.wait({.deadline = last_wait});
    } catch (const std::exception&) {  // late, or interrupted again: they end by themselves
    }
    std::rethrow_exception(failure);
  }
  run.throw_first_failure();
  return run.results();
}

// --- A rank. ---

namespace {

int rank_here(const TeamStart& start) {
  const Pid self = myid();
  return static_cast<int>(std::find(start.pids.begin(), start.pids.end(), self) - start.pids.begin());
}

}  // namespace

RankScope::RankScope(const TeamStart& start)
    : team_(std::make_shared<TeamMailbox>(start, rank_here(start)), rank_here(start), start.pids) {
  TeamTable::instance().add(start.id, team_.rank(), team_.mailbox_);
  try {
    team_.mailbox_->open();
  } catch (...) {
    TeamTable::instance().remove(start.id, team_.rank());
    throw;
  }
}

RankScope::~RankScope() { TeamTable::instance().remove(team_.mailbox_->start().id, team_.rank()); }

void RankScope::finish() noexcept { team_.mailbox_->finish(); }

}  // namespace cohort::detail
