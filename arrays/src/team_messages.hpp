#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <cohort/archive.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/spmd.hpp>

// The messages between the ranks of a team, and between them and the process that called spmd(), the caller. Each is a
// call without an answer of one function, which finds the addressee in the table of this process.

namespace cohort::detail {

enum class Collective : std::uint8_t {
  barrier,
  broadcast,
  scatter,
  gather,
  all_gather,
  reduce,
  all_reduce,
  reduce_scatter,
  scan
};

constexpr bool has_root(Collective which) {
  return which == Collective::broadcast || which == Collective::scatter || which == Collective::gather ||
         which == Collective::reduce;
}

/// One collective call, as all ranks must agree on it.
struct CollectiveCall {
  std::uint64_t number = 0;  // counted from 1
  Collective which = Collective::barrier;
  std::int32_t root = 0;  // 0 if it has none
  bool small = false;     // the values are, by their type: it has another tree
  bool operator==(const CollectiveCall&) const = default;
};

std::string name_of(Collective which);
/// "barrier", "broadcast with root 2".
std::string name_of(const CollectiveCall& call);
/// "its 5th collective call".
std::string count_of(const CollectiveCall& call);

struct TeamMessage {
  enum class Kind : std::uint8_t {
    value,       // of a send; in order of `sequence` with `collective`
    collective,  // a step of a collective call
    waits,       // the sender has waited long for this rank, in this collective call if it has a number; `sequence` is
                 // how many messages it has sent, `counts` how many have come. To the caller: for any rank
    sent,        // the answer, if not all have come: `sequence` is how many were sent
    go,          // by the caller: all ranks can be reached
    failed,      // by the caller: the team has failed
    ended,       // by the caller, to a rank that waits: ranks have ended; `counts` has pairs of a rank and how many
                 // messages it has sent here
    opened,      // to the caller: this rank can be reached
    finished,    // to the caller: its function has returned; `counts` has how many messages it has sent to each rank
    broken       // to the caller: the team has failed; `tag` is the rank that is to blame, -1: the sender
  };

  TeamId team{};
  std::int32_t to = caller_rank;
  std::int32_t from = caller_rank;
  Kind kind = Kind::value;
  std::uint64_t sequence = 0;
  CollectiveCall call{};
  std::int32_t tag = 0;
  std::string text;  // the type of the value; of a failure, what happened
  std::vector<std::uint64_t> counts;
  std::vector<Payload> parts;

  static constexpr std::int32_t caller_rank = -1;
};

/// A rank, or the caller, of a team.
class TeamReceiver {
 public:
  virtual ~TeamReceiver() = default;
  /// Any thread, also the one that drives the event loop: it does not wait, and sends nothing.
  virtual void deliver(TeamMessage&& message) = 0;
};

/// The receivers in this process. There may be several nodes in it: the id of a team is unique among all clusters, and
/// each of its ranks is in one node. Any thread.
class TeamTable {
 public:
  static TeamTable& instance();
  void add(const TeamId& team, std::int32_t rank, const std::shared_ptr<TeamReceiver>& receiver);
  void remove(const TeamId& team, std::int32_t rank);
  /// Null: it has not begun, or it has ended.
  std::shared_ptr<TeamReceiver> find(const TeamId& team, std::int32_t rank);
  std::size_t size();

 private:
  Mutex mutex_;
  std::map<std::pair<TeamId, std::int32_t>, std::shared_ptr<TeamReceiver>> receivers_ COHORT_GUARDED_BY(mutex_);
};

/// How this process sends to the others of a team: directly, or through the master if it cannot connect to one. Any
/// thread.
class TeamRoutes {
 public:
  /// Sends a message; segments of its parts may be borrowed, and are not needed when it returns.
  /// @throws ProcessExitedException, InterruptedException; Error if it can be sent in neither way.
  void post(Pid pid, const TeamMessage& message);
  /// Starts a call whose result stays there, or at the master. @return also if it cannot be sent: then it has failed.
  FuturePtr start(Pid pid, FunctionId function, const Payload& arguments);

 private:
  bool passes_master(Pid pid);
  void note_unreachable(Pid pid);

  Mutex mutex_;
  std::set<Pid> through_master_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort::detail
