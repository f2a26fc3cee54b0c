#pragma once

#include <exception>
#include <utility>
#include <vector>

#include <cohort/everywhere.hpp>

// Calls to members of the cluster that the topology need not connect to this process.

namespace COHORT_EXPORT cohort {
namespace detail {

/// Passes a call on.
template <class F>
struct Passing {
  [[no_unique_address]] Portable<F> called;

  template <class... A>
  auto operator()(Pid pid, const A&... arguments) {
    return remotecall_fetch(called.function, pid, arguments...);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(called);
  }
};

/// Whether this is the error of a topology that does not connect the two processes.
bool is_unconnected(const std::exception_ptr& failure);

/// Does remotecall(), by the master if the topology does not connect this process to the other one.
template <class F, class... A>
auto call_member(F f, Pid pid, const A&... arguments) -> Future<remote_result_t<F, A...>> {
  try {
    return remotecall(f, pid, arguments...);
  } catch (const Error&) {
    if (!is_unconnected(std::current_exception())) throw;
    return remotecall(Passing<F>{{std::move(f)}}, master_pid, pid, arguments...);
  }
}

/// Does remotecall_fetch() in the same way, which takes one message less than to get the result of remotecall().
template <class F, class... A>
auto fetch_member(F f, Pid pid, const A&... arguments) -> remote_result_t<F, A...> {
  try {
    return remotecall_fetch(f, pid, arguments...);
  } catch (const Error&) {
    if (!is_unconnected(std::current_exception())) throw;
    return remotecall_fetch(Passing<F>{{std::move(f)}}, master_pid, pid, arguments...);
  }
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
