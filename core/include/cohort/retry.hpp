#pragma once

#include <cstddef>
#include <exception>
#include <initializer_list>
#include <optional>
#include <vector>

#include <cohort/types.hpp>

namespace cohort {

/// `n` growing pauses: each is `factor` times the one before, up to `max_delay`, and by chance up to `jitter` (a share)
/// longer or shorter, so that those who failed together do not come back together.
struct ExponentialBackOff {
  std::size_t n = 1;
  Duration first_delay = std::chrono::milliseconds(50);
  Duration max_delay = std::chrono::seconds(10);
  double factor = 5.0;
  double jitter = 0.1;

  /// The `i`-th pause, from 0; different each time that it is asked for.
  Duration operator[](std::size_t i) const;
  std::size_t size() const { return n; }
};

/// The pauses before the first, second ... retry: `{1s, 5s}`, a vector, or an ExponentialBackOff. Empty: no retry.
class RetryDelays {
 public:
  RetryDelays() = default;
  /// @throws ConfigError for negative delays, and for a back-off whose factor or jitter makes some.
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

/// What is retried where the program does not say: everything but an unknown function (ErrorKind::unimplemented), an
/// interrupt and a cancel.
bool is_worth_retrying(const std::exception_ptr& error);

}  // namespace cohort
