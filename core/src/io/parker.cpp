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
  const auto ns = std::max(deadline.time_since_epoch(), Clock::duration::zero()).count();
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

Parker& Parker::of_this_thread() {
  static detail::Mutex mutex;
  // Leaked: threads may end after static destructors.
  static auto* spare COHORT_PT_GUARDED_BY(mutex) = new std::vector<Parker*>;
  struct Lease {
    Parker* parker;
    Lease() {
      detail::MutexLock lock(mutex);
      if (spare->empty()) {
        parker = new Parker;
      } else {
        parker = spare->back();
        spare->pop_back();
      }
    }
    ~Lease() {
      detail::MutexLock lock(mutex);
      spare->push_back(parker);
    }
  };
  static thread_local Lease lease;
  return *lease.parker;
}

}  // namespace cohort
