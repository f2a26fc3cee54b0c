#include <cohort/everywhere.hpp>

#include <exception>

#include <cohort/error.hpp>

#include "remote/calls.hpp"

namespace cohort::detail {
namespace {

/// What `body` throws, for later. @throws InterruptedException this thread's wait was called off.
template <class F>
std::exception_ptr failure_of(F&& body) {
  try {
    body();
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
  try {
    for (std::size_t i = 0; i < pids.size(); i++) {
      if (pids[i] == self) results[i] = failure_of(here);
    }
    auto call = calls.begin();
    for (std::size_t i = 0; i < pids.size(); i++) {
      if (pids[i] != self) results[i] = failure_of([&] { future_wait(**call++, WaitOptions{}); });
    }
  } catch (...) {
    for (const auto& call : calls) static_cast<void>(failure_of([&] { future_cancel(*call); }));
    throw;
  }
  std::erase(results, nullptr);
  if (!results.empty()) throw CompositeException(std::move(results));
}

std::vector<FuturePtr> start_on_each(const std::vector<Pid>& pids, FunctionId function, const Payload& arguments,
                                     const WaitOptions& options) {
  return call_each(pids, function, arguments, options);
}

void wait_for_each(const std::vector<FuturePtr>& calls, const WaitOptions& options) {
  try {
    for (const auto& call : calls) {
      const auto failure = failure_of([&] { future_wait(*call, options); });
      if (failure == nullptr || future_ready(*call)) continue;
      static_cast<void>(failure_of([&] { future_abandon(*call, failure); }));
    }
  } catch (...) {
    for (const auto& call : calls) static_cast<void>(failure_of([&] { future_cancel(*call); }));
    throw;
  }
}

}  // namespace cohort::detail
