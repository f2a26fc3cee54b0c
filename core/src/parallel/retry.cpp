#include <cohort/retry.hpp>

#include <algorithm>
#include <cmath>
#include <random>

#include <cohort/error.hpp>
#include <cohort/wait_options.hpp>

#include "base/durations.hpp"

namespace cohort {

Duration ExponentialBackOff::operator[](std::size_t i) const {
  static thread_local std::mt19937_64 random(std::random_device{}());
  using Nanoseconds = std::chrono::duration<double, std::nano>;
  const Nanoseconds limit = max_delay;
  Nanoseconds delay = std::min(limit, Nanoseconds(first_delay) * std::pow(factor, static_cast<double>(i)));
  delay *= 1 + jitter * std::uniform_real_distribution<double>(-1, 1)(random);
  return delay < limit ? detail::nanoseconds_of(std::max(delay, Nanoseconds::zero())) : max_delay;
}

RetryDelays::RetryDelays(std::vector<Duration> delays) : delays_(std::move(delays)) {
  for (const Duration delay : delays_) refuse_shorter(delay, Duration::zero(), "a delay before a retry");
}

RetryDelays::RetryDelays(const ExponentialBackOff& delays) : back_off_(delays) {
  refuse_shorter(delays.first_delay, Duration::zero(), "first_delay");
  refuse_shorter(delays.max_delay, Duration::zero(), "max_delay");
  if (!(delays.factor >= 0) || !(delays.jitter >= 0 && delays.jitter <= 1))  // nor not-a-number
    throw ConfigError("the factor of an ExponentialBackOff is a number from 0 on, and its jitter one from 0 to 1");
}

bool is_worth_retrying(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const InterruptedException&) {
    return false;
  } catch (const CancelledException&) {
    return false;
  } catch (const RemoteException& remote) {
    if (remote.kind() == ErrorKind::unimplemented) return false;
    return remote.cause() == nullptr || is_worth_retrying(remote.cause());
  } catch (const Error& known) {
    return known.kind() != ErrorKind::unimplemented;
  } catch (...) {
    return true;
  }
}

}  // namespace cohort
