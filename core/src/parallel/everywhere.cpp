#include <cohort/everywhere.hpp>

#include <exception>

#include <cohort/error.hpp>

#include "remote/calls.hpp"

namespace cohort::detail {
namespace {

std::exception_ptr run_as_remote(const std::function<void()>& body) {
  try {
    body();
    return nullptr;
  } catch (...) {
    return current_as_remote();
  }
}

/// @throws InterruptedException this thread's wait was called off.
std::exception_ptr failure_of(FutureState& call) {
  try {
    future_wait(call, Clock::time_point::max(), true);
    return nullptr;
  } catch (const InterruptedException&) {
    throw;
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace

void call_everywhere(const std::vector<Pid>& pids, FunctionId function, const Payload& arguments,
                     const std::function<void()>& here) {
  const Pid self = myid();
  std::vector<Pid> others;
  for (const Pid pid : pids) {
    if (pid != self) others.push_back(pid);
  }
  const auto calls = call_each(others, function, arguments);
  std::vector<std::exception_ptr> results(pids.size());  // null: it went well
  for (std::size_t i = 0; i < pids.size(); i++) {
    if (pids[i] == self) results[i] = run_as_remote(here);
  }
  auto call = calls.begin();
  std::vector<std::exception_ptr> failures;
  for (std::size_t i = 0; i < pids.size(); i++) {
    if (pids[i] != self) results[i] = failure_of(**call++);
    if (results[i] != nullptr) failures.push_back(results[i]);
  }
  if (!failures.empty()) throw CompositeException(std::move(failures));
}

}  // namespace cohort::detail
