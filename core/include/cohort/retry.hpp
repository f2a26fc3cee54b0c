#pragma once

#include <cstddef>
#include <exception>
#include <initializer_list>
#include <optional>
#include <vector>

#include <cohort/types.hpp>

namespace COHORT_EXPORT cohort {

/// `n` growing pauses: each is `factor` times the previous one, at most `max_delay`, and randomly longer or shorter by
/// up to the fraction `jitter`, so that calls that failed at the same time are not retried at the same time.
struct ExponentialBackOff {
  std::size_t n = 1;
  Duration first_delay = std::chrono::milliseconds(50);
  Duration max_delay = std::chrono::seconds(10);
  double factor = 5.0;
  double jitter = 0.1;

  /// Returns the `i`-th pause, counted from 0. Each call gives another random value.
  Duration operator[](std::size_t i) const;
  std::size_t size() const { return n; }
};

/// The pauses before the first, second ... retry: `{1s, 5s}`, a vector, or an ExponentialBackOff. Empty: no retry.
class RetryDelays {
 public:
  RetryDelays() = default;
  /// @throws ConfigError for negative delays, and for a back-off whose factor or jitter would give negative delays.
  RetryDelays(std::initializer_list<Duration> delays) : RetryDelays(std::vector<Duration>(delays)) {}
  RetryDelays(std::vector<Duration> delays);
  RetryDelays(const ExponentialBackOff& delays);

  std::size_t size() const { return back_off_ ? back_off_->size() : delays_.size(); }
  Duration operator[](std::size_t i) const { return back_off_ ? (*back_off_)[i] : delays_[i]; }

 private:
  // One of the two.
  std::vector<Duration> delays_;
  std::optional<ExponentialBackOff> back_off_;
};

/// The default decision whether to retry: true for all errors except an unknown function (ErrorKind::unimplemented), an
/// interruption and a cancellation.
bool is_worth_retrying(const std::exception_ptr& error);

}  // namespace cohort
