#include <cohort/retry.hpp>

#include <algorithm>
#include <cmath>
#include <random>

#include <cohort/error.hpp>

namespace cohort {

Duration ExponentialBackOff::operator[](std::size_t i) const {
  static thread_local std::mt19937_64 random(std::random_device{}());
  const double limit = static_cast<double>(max_delay.count());
  double delay = std::min(limit, static_cast<double>(first_delay.count()) * std::pow(factor, static_cast<double>(i)));
  delay *= 1 + jitter * std::uniform_real_distribution<double>(-1, 1)(random);
  return Duration(static_cast<Duration::rep>(std::clamp(delay, 0.0, limit)));
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
