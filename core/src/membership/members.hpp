#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <cohort/detail/mutex.hpp>
#include <cohort/types.hpp>

#include "membership/connection.hpp"
#include "membership/member_info.hpp"

namespace cohort {

/// An attempt to connect to a member, shared by all who wait for it.
struct ConnectAttempt : Completion {
  std::string error;  ///< empty: it worked. Written before the completion is set.
};

/// The processes of the cluster as this process knows them. Ids are never reused, so processes that are gone are
/// remembered. Every change has a number, the epoch. A process that has connected, but that the master has not added
/// (yet), only has a connection here: it is not listed, and is forgotten when the connection ends. Thread-safe.
class Members {
 public:
  std::uint64_t epoch() const;
  void set_epoch(std::uint64_t epoch);

  void add(const MemberInfo& member);
  struct Removed {
    std::shared_ptr<Connection> connection;   ///< to be closed by the caller, if there is one
    std::shared_ptr<ConnectAttempt> attempt;  ///< to be completed by the caller, if there is one
  };
  /// Removes a process: from then on nobody can begin to connect to it. @return nothing if it was gone already.
  std::optional<Removed> remove(Pid pid, const std::string& cause = "");
  /// For a worker that joins later: processes that were removed before are gone for it as well.
  void set_ids_given(IdsGiven ids);
  bool contains(Pid pid) const;
  bool is_gone(Pid pid) const;
  /// The cause that remove() was given; "" if it is not known here.
  std::string cause_of_end(Pid pid) const;
  std::vector<MemberInfo> list() const;
  std::vector<Pid> pids() const;
  /// Those that get new work.
  std::vector<Pid> working() const;
  bool is_draining(Pid pid) const;
  void set_draining(Pid pid, bool draining);
  /// The lowest place that no member has: a new worker gets it, so that it replaces a worker that ended.
  std::int32_t free_place();

  std::shared_ptr<Connection> connection(Pid pid) const;
  /// Makes `connection` the one to `pid`, member or not. @return false if there is another one, or the process is gone.
  bool bind(Pid pid, const std::shared_ptr<Connection>& connection);
  /// Forgets the connection if it still is this one.
  void unbind(Pid pid, const Connection* connection);
  std::vector<std::shared_ptr<Connection>> connections() const;

  struct Attempted {
    std::shared_ptr<Connection> connection;   ///< there is one already
    std::shared_ptr<ConnectAttempt> attempt;  ///< to wait for
    bool start = false;                       ///< the caller is to make the connection
    std::string address;
  };
  Attempted attempt(Pid pid);
  /// Ends the attempt to connect to `pid`, if there is one; to be completed by the caller.
  std::shared_ptr<ConnectAttempt> take_attempt(Pid pid);

 private:
  struct Member {
    MemberInfo info;
    bool added = false;  // else it only connected
    std::shared_ptr<Connection> connection;
    std::shared_ptr<ConnectAttempt> attempt;
  };
  bool was_removed(Pid pid) const COHORT_REQUIRES(mutex_);
  void give_up_place(std::int32_t place) COHORT_REQUIRES(mutex_);

  mutable detail::Mutex mutex_;
  std::uint64_t epoch_ COHORT_GUARDED_BY(mutex_) = 0;
  IdsGiven ids_given_ COHORT_GUARDED_BY(mutex_);  // when this process joined
  std::map<Pid, Member> members_ COHORT_GUARDED_BY(mutex_);
  // Places of members, kept once free_place() was called: only the master gives places. Two members may have the same.
  std::optional<std::multiset<std::int32_t>> places_ COHORT_GUARDED_BY(mutex_);
  std::int32_t free_from_ COHORT_GUARDED_BY(mutex_) = 0;       // all below are in places_
  std::map<Pid, std::string> gone_ COHORT_GUARDED_BY(mutex_);  // with the cause
};

}  // namespace cohort
