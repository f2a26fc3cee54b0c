#pragma once

#include <exception>
#include <utility>
#include <vector>

#include <cohort/everywhere.hpp>

// Calls to members of the cluster that the topology need not connect to this process: the master passes them on.

namespace COHORT_EXPORT cohort {
namespace detail {

/// Whether this is the error of a topology that does not connect the two processes.
bool is_unconnected(const std::exception_ptr& failure);
/// Calls by the master. @param arguments segments may be borrowed
Payload fetch_through_master(Pid pid, FunctionId function, const Payload& arguments);

/// Starts a call to another process.
FuturePtr start_on_member(Pid pid, FunctionId function, Payload& arguments);
/// Waits for the result, which takes one message less than to get it from start_on_member().
Payload fetch_from_member(Pid pid, FunctionId function, Payload& arguments);

/// Does remotecall(), by the master if the topology does not connect this process to the other one.
template <class F, class... A>
auto call_member(F f, Pid pid, const A&... arguments) -> Future<remote_result_t<F, A...>> {
  using R = remote_result_t<F, A...>;
  if (pid == myid()) return call_here<R>(std::move(f), arguments...);
  Payload payload = encode_call(f, arguments...);
  return Future<R>(start_on_member(pid, thunk_t<F, A...>::id(), payload));
}

/// Does remotecall_fetch() in the same way.
template <class F, class... A>
auto fetch_member(F f, Pid pid, const A&... arguments) -> remote_result_t<F, A...> {
  if (pid == myid()) return call_inline(f, arguments...);
  Payload payload = encode_call(f, arguments...);
  return decode_result<remote_result_t<F, A...>>(fetch_from_member(pid, thunk_t<F, A...>::id(), payload));
}

/// Passes everywhere() on.
template <class F>
struct PassingEverywhere {
  [[no_unique_address]] Portable<F> called;

  template <class... A>
  void operator()(const std::vector<Pid>& pids, const A&... arguments) {
    everywhere(pids, called.function, arguments...);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(called);
  }
};

/// Does everywhere(), by the master if `by_master`.
template <class F, class... A>
void everywhere_of_members(bool by_master, const std::vector<Pid>& pids, F f, const A&... arguments) {
  if (by_master)
    remotecall_fetch(PassingEverywhere<F>{{std::move(f)}}, master_pid, pids, arguments...);
  else
    everywhere(pids, std::move(f), arguments...);
}

/// Whether one of the failures of everywhere() is that of a topology.
bool has_unconnected(const CompositeException& failures);

}  // namespace detail
}  // namespace cohort
