#include "io/parker.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include <cohort/detail/mutex.hpp>

namespace cohort {
namespace {

long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value, const timespec* until) {
  return syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, until, nullptr, FUTEX_BITSET_MATCH_ANY);
}

}  // namespace

void Parker::park(Clock::time_point deadline) {
  std::uint32_t expected = nothing;
  if (!state_.compare_exchange_strong(expected, asleep)) {
    state_.exchange(nothing);
    return;
  }
  // steady_clock is CLOCK_MONOTONIC, as the futex wants it. That refuses what lies before the clock's beginning.
  const auto ns = std::max(detail::system_time_of(deadline).time_since_epoch(), Clock::duration::zero()).count();
  const timespec until{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  for (;;) {
    const long result =
        futex(state_, FUTEX_WAIT_BITSET, asleep, deadline == Clock::time_point::max() ? nullptr : &until);
    if (state_.load() != asleep || (result < 0 && errno == ETIMEDOUT)) {
      state_.exchange(nothing);
      return;
    }
  }
}

void Parker::unpark() {
  if (state_.exchange(token) == asleep) futex(state_, FUTEX_WAKE, 1, nullptr);
}

namespace {

struct ParkersOfThreads {
  detail::Mutex mutex;
  std::vector<Parker*> spare COHORT_GUARDED_BY(mutex);
  std::vector<Parker*> all COHORT_GUARDED_BY(mutex);
};

ParkersOfThreads& parkers_of_threads() {
  static auto* parkers = new ParkersOfThreads;  // leaked: threads may end after static destructors
  return *parkers;
}

}  // namespace

void Parker::unpark_all() {
  ParkersOfThreads& parkers = parkers_of_threads();
  detail::MutexLock lock(parkers.mutex);
  for (Parker* parker : parkers.all) parker->unpark();
}

Parker& Parker::of_this_thread() {
  struct Lease {
    Parker* parker;
    Lease() {
      ParkersOfThreads& parkers = parkers_of_threads();
      detail::MutexLock lock(parkers.mutex);
      if (parkers.spare.empty()) {
        parker = new Parker;
        parkers.all.push_back(parker);
      } else {
        parker = parkers.spare.back();
        parkers.spare.pop_back();
      }
    }
    ~Lease() {
      ParkersOfThreads& parkers = parkers_of_threads();
      detail::MutexLock lock(parkers.mutex);
      parkers.spare.push_back(parker);
    }
  };
  static thread_local Lease lease;
  return *lease.parker;
}

}  // namespace cohort
