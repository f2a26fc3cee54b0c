#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <cohort/cohort.hpp>

namespace cohort::growth {

/// The CPU time that some processes of this host have used since this object was made. Unlike the time on a clock it
/// depends little on what else the machine has to do.
class CpuTime {
 public:
  explicit CpuTime(std::vector<pid_t> processes);
  double seconds() const;

 private:
  double used() const;
  const std::vector<pid_t> processes_;
  const double before_;
};

/// Runs `seconds_of(count)` for growing counts and expects that the time per item at the greatest count is at most
/// three times that at the least one; what takes less than `no_matter` seconds per item counts as that (caches hold a
/// thousand, and not a hundred thousand). It prints the times, and stops where they have grown tenfold already, so that
/// a fault does not take for ever. Each time is the least of some.
void expect_linear(const std::string& what, const std::function<double(int count)>& seconds_of,
                   const std::vector<int>& counts = {1'000, 10'000, 100'000}, double no_matter = 3e-6);

/// Pings a worker from a thread of its own for as long as it lives, and prints the longest ping in the end.
class Pings {
 public:
  explicit Pings(Pid worker);
  /// Expects every ping to have been answered; within 50 ms if COHORT_GROWTH_STRICT is set.
  ~Pings();

 private:
  std::atomic<bool> stop_{false};
  Duration longest_{};
  std::string failure_;
  std::thread thread_;
};

}  // namespace cohort::growth
