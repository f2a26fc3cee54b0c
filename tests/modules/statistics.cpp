// Functions as a user's module has them.

#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include <cohort/cohort.hpp>

#include "loading_order.hpp"

namespace {

const bool noted = note_loading("statistics");

double mean(const std::vector<double>& values) {
  if (values.empty()) throw std::invalid_argument("the mean of nothing");
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::string greet(const std::string& name) { return "hello " + name + " from " + std::to_string(cohort::myid()); }

int fetched(cohort::Future<int> future) { return future.fetch(); }

/// A remote function of the module's own, called without a name.
cohort::Pid ask(cohort::Pid pid) {
  return cohort::remotecall_fetch([](cohort::Pid add) { return cohort::myid() + add; }, pid, 100);
}

cohort::Task<int> later(cohort::Future<int> future) {
  const int value = co_await future;
  if (value < 0) throw std::out_of_range("less than nothing");
  co_return 2 * value;
}

}  // namespace

COHORT_FUNCTION(mean)
COHORT_FUNCTION(greet)
COHORT_FUNCTION(fetched)
COHORT_FUNCTION(ask)
COHORT_FUNCTION(later)
COHORT_FUNCTION(twice, [](double x) { return 2 * x; })
COHORT_FUNCTION(nothing, [](int) {})
