#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <utility>
#include <vector>

/// Times of one thing done again and again, in microseconds.
class Samples {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Samples(int expected = 0) { microseconds_.reserve(static_cast<std::size_t>(expected)); }
  void add(double microseconds) { microseconds_.push_back(microseconds); }
  void add(Clock::duration duration) { add(std::chrono::duration<double, std::micro>(duration).count()); }

  bool empty() const { return microseconds_.empty(); }

  /// Runs `action` `count` times and takes the time of each.
  template <typename Action>
  static Samples of(int count, Action&& action) {
    Samples samples(count);
    for (int i = 0; i < count; ++i) {
      const auto start = Clock::now();
      action();
      samples.add(Clock::now() - start);
    }
    return samples;
  }

  /// @param share 0.5 for the median, 0.99 for the 99th percentile.
  double percentile(double share) const {
    if (microseconds_.empty()) throw std::logic_error("percentile of no samples");
    auto sorted = microseconds_;
    const auto rank = static_cast<std::ptrdiff_t>(share * static_cast<double>(sorted.size() - 1) + 0.5);
    std::nth_element(sorted.begin(), sorted.begin() + rank, sorted.end());
    return sorted[static_cast<std::size_t>(rank)];
  }
  double median() const { return percentile(0.5); }

 private:
  std::vector<double> microseconds_;
};
