#include "measure.hpp"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
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
  std::optional<double> least;
  for (const int count : counts) {
    std::vector<double> times;  // a short one says little, so it is the median of some
    for (int i = 0; i < (count == counts.front() ? 5 : 1); i++) times.push_back(seconds_of(count) / count);
    std::sort(times.begin(), times.end());
    const double each = times[times.size() / 2];
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
