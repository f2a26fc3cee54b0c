#include "measure.hpp"

#include <malloc.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <utility>

#include <gtest/gtest.h>

namespace cohort::growth {

using namespace std::chrono_literals;

CpuTime::CpuTime(std::vector<pid_t> processes) : processes_(std::move(processes)), before_(used()) {}

double CpuTime::seconds() const { return used() - before_; }

double CpuTime::used() const {
  double sum = 0;
  for (const pid_t process : processes_) {
    clockid_t clock;
    timespec time{};
    if (clock_getcpuclockid(process, &clock) == 0 && clock_gettime(clock, &time) == 0)
      sum += static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  }
  return sum;
}

void expect_linear(const std::string& what, const std::function<double(int count)>& seconds_of,
                   const std::vector<int>& counts, double no_matter) {
  constexpr double limit = 3, hopeless = 10;
  // Memory that was used once stays with the process: a page that is touched first costs more than what is measured.
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  std::optional<double> least;
  for (const int count : counts) {
    // The least of some times, as others may have the processor meanwhile; a short one says little.
    double each = std::numeric_limits<double>::infinity();
    const auto again = [&] { return !least || (each > limit * *least && each < hopeless * *least); };
    for (int i = 0; i == 0 || (i < 5 && again()); i++) each = std::min(each, seconds_of(count) / count);
    std::printf("%-28s %9d: %10.3f us each\n", what.c_str(), count, each * 1e6);
    std::fflush(stdout);
    if (!least) least = std::max(each, no_matter);
    if (count == counts.back() || each > hopeless * *least) {
      EXPECT_LE(each, limit * *least) << what << ": seconds for each of " << count << ", and " << limit
                                      << " times those for each of " << counts.front();
      return;
    }
  }
}

Pings::Pings(Pid worker) {
  thread_ = std::thread([this, worker] {
    while (!stop_) {
      try {
        longest_ = std::max(longest_, ping(worker, 60s));
      } catch (const std::exception& error) {
        failure_ = error.what();
        return;
      }
      std::this_thread::sleep_for(2ms);
    }
  });
}

Pings::~Pings() {
  stop_ = true;
  thread_.join();
  std::printf("longest ping meanwhile: %.1f ms\n", std::chrono::duration<double, std::milli>(longest_).count());
  EXPECT_EQ(failure_, "");
  if (std::getenv("COHORT_GROWTH_STRICT") != nullptr) {
    EXPECT_LT(longest_, 50ms);
  }
}

}  // namespace cohort::growth
