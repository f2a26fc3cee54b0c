#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <cohort/channel.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/wait_options.hpp>

#include "team_messages.hpp"

namespace cohort::detail {

/// One rank: the messages that have come for it, what it has sent, and in which collective call it is. It is in the
/// table of this process from the begin of the rank's function to its end, and its Team holds it, too.
class TeamMailbox final : public TeamReceiver, public std::enable_shared_from_this<TeamMailbox> {
 public:
  TeamMailbox(const TeamStart& start, int rank);

  // --- For the functions of the rank, on its threads. ---

  int rank() const noexcept { return rank_; }
  int size() const noexcept { return static_cast<int>(start_.pids.size()); }
  const TeamStart& start() const noexcept { return start_; }

  /// Tells the caller that this rank can be reached, and waits until all can. @throws as await().
  void open();
  /// Tells the caller that the function has returned.
  void finish() noexcept;

  void send(int to, int tag, const std::string& type, Payload value);
  TeamMessage receive(int from, int tag, const std::string& type, const WaitOptions& options);
  TeamMessage receive_any(int tag, const std::string& type, const WaitOptions& options);

  /// Runs `body(call)` as the next collective call, which gets its number. If it throws, the team has failed.
  template <class Body>
  void run_collective(CollectiveCall call, Body body) {
    begin_collective(call);
    try {
      body(call);
    } catch (...) {
      abandon_collective(call);
      throw;
    }
    end_collective();
  }
  // Steps of a collective call, for its body. Of each rank, one message at most comes in one call.
  void send_step(const CollectiveCall& call, int to, const std::string& type, std::vector<Payload> parts);
  std::vector<Payload> await_step(const CollectiveCall& call, int from, const std::string& type,
                                  const WaitOptions& options);

  /// @throws Error if there is no such rank.
  void check_rank(int rank, const char* what) const;

  // --- For any thread, also on the loop. ---

  void deliver(TeamMessage&& message) override;

 private:
  struct Wanted {
    TeamMessage::Kind kind;
    int from = any_rank;
    int tag = 0;
    CollectiveCall call{};
  };
  struct Waiter {
    Wanted wanted;
    Channel<bool> wake;
  };
  struct Arrived {
    std::uint64_t order;
    TeamMessage message;
  };
  /// What has come from one rank.
  struct Source {
    std::uint64_t next = 0;                        // sequence number
    std::map<std::uint64_t, TeamMessage> early{};  // those that came before `next`
    std::uint64_t known = 0;                       // that it has sent so many at least
    std::optional<std::uint64_t> total{};          // how many there are: its function has returned
    CollectiveCall waits_in{};                     // of its last message that it waits
    bool is_complete() const { return total && next >= *total; }
    bool lacks_some() const { return next < known; }
  };
  static constexpr int any_rank = -2;

  /// @throws Error if the team fails, or the rank has ended and will not send it; as Channel::take().
  TeamMessage await(const Wanted& wanted, const WaitOptions& options);
  std::optional<TeamMessage> take(const Wanted& wanted) COHORT_REQUIRES(mutex_);
  void check_ended(const Wanted& wanted) COHORT_REQUIRES(mutex_);
  void check_type(const TeamMessage& message, const std::string& type);
  void accept(TeamMessage&& message) COHORT_REQUIRES(mutex_);
  void note_sent(int from, std::uint64_t count) COHORT_REQUIRES(mutex_);
  std::optional<std::uint64_t> missing_of(const Wanted& wanted) const COHORT_REQUIRES(mutex_);
  void check_call(const CollectiveCall& other, int from) COHORT_REQUIRES(mutex_);
  void wake(const TeamMessage& message) COHORT_REQUIRES(mutex_);
  void wake_all() COHORT_REQUIRES(mutex_);
  void forget(const Channel<bool>& wake);
  void tell_that_it_waits(const Wanted& wanted, bool again);
  bool is_lost(const Wanted& wanted, const std::optional<std::uint64_t>& missing);

  void begin_collective(CollectiveCall& call);
  void end_collective();
  void abandon_collective(const CollectiveCall& call) noexcept;

  TeamMessage message_to(int to, TeamMessage::Kind kind) const;
  void post(TeamMessage&& message);
  /// Fails the team, and tells the caller, who tells the others. @param blamed a rank whose end is the cause, or -1.
  void break_team(const std::string& text, int blamed) noexcept;
  void tell_broken(const std::string& text, int blamed) noexcept;

  const TeamStart start_;
  const int rank_;
  TeamRoutes routes_;

  Mutex mutex_;
  std::map<std::pair<int, int>, std::deque<Arrived>> values_ COHORT_GUARDED_BY(mutex_);   // by tag and rank
  std::map<std::pair<std::uint64_t, int>, TeamMessage> steps_ COHORT_GUARDED_BY(mutex_);  // by number and rank
  std::vector<Source> sources_ COHORT_GUARDED_BY(mutex_);                                 // of each rank
  std::vector<std::uint64_t> sent_ COHORT_GUARDED_BY(mutex_);                             // to each rank
  std::uint64_t arrived_ COHORT_GUARDED_BY(mutex_) = 0;
  std::vector<Waiter> waiters_ COHORT_GUARDED_BY(mutex_);  // not woken yet
  bool gone_ahead_ COHORT_GUARDED_BY(mutex_) = false;
  bool hears_of_ends_ COHORT_GUARDED_BY(mutex_) = false;        // the caller tells it which ranks end
  std::string failure_ COHORT_GUARDED_BY(mutex_);               // "": none
  std::deque<CollectiveCall> calls_ COHORT_GUARDED_BY(mutex_);  // the last ones, the present one at the end
  bool in_collective_ COHORT_GUARDED_BY(mutex_) = false;
};

}  // namespace cohort::detail
